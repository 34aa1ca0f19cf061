package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"muninn/model/arch"
	"muninn/model/demo"
	"muninn/model/internal/golden"
	"muninn/shaders/format"
)

// schemeT parses a scheme that must be sound.
func schemeT(t testing.TB, quant, keep string) Scheme {
	t.Helper()
	p, err := ParseScheme(quant, keep)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func writeT(t testing.TB, ck *Checkpoint, o WriteOptions) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := WriteGGUF(context.Background(), ck, path, o); err != nil {
		t.Fatal(err)
	}
	return path
}

// demoName stands for the embedded demo model.
const demoName = "demo"

func pathT(t testing.TB, path string) *Checkpoint {
	t.Helper()
	ck, err := OpenFS(demo.Files)
	if path != demoName {
		ck, err = OpenPath(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

// A file that keeps every tensor as it is stored holds the checkpoint without loss: weights, texts, config.
func TestGGUFRoundTrip(t *testing.T) {
	paths := []string{demoName}
	for _, name := range []string{"A-f32", "A-bf16", "C-f16"} {
		paths = append(paths, golden.Model(t, name))
	}
	paths = append(append(paths, familyModels(t)...), unfusedHRM(t, openT(t, golden.Path(t, "goldens", "family", "models", "H-bf16"))))
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			a := pathT(t, path)
			b := pathT(t, writeT(t, a, WriteOptions{Name: path}))
			if a.Config != b.Config || !slices.Equal(a.Generation.EOS, b.Generation.EOS) || a.Generation.TopP != b.Generation.TopP {
				t.Errorf("config %+v became %+v", a.Config, b.Config)
			}
			for _, file := range []string{arch.FileConfig, arch.FileGeneration, fileTokenizer, arch.FileTokenizerConfig} {
				x, errX := a.text(file)
				y, errY := b.text(file)
				if !bytes.Equal(x, y) || (x == nil) != (y == nil) || errX != nil || errY != nil {
					t.Errorf("%s: %d bytes became %d, %v, %v", file, len(x), len(y), errX, errY)
				}
			}
			for _, spec := range a.Config.TensorSpecs() {
				if _, ok := a.Tensor(spec.Name); !ok || spec.Part == arch.PartHead && a.Config.TieEmbeddings {
					continue
				}
				if !slices.Equal(readAll(t, a, spec.Name), readAll(t, b, spec.Name)) {
					t.Errorf("%s differs", spec.Name)
				}
			}
			if _, ok := b.Tensor(arch.NameHead); ok == a.Config.TieEmbeddings {
				t.Errorf("tied %v, and there is a head: %v", a.Config.TieEmbeddings, ok)
			}
		})
	}
}

// Weights that lie on a 4-bit or 8-bit grid lose nothing in blocks of that format: the demo, rounded to one, widened, and
// quantized again.
func TestGridsAreExact(t *testing.T) {
	for _, quant := range []string{"q4_0", "q8_0"} {
		all := schemeT(t, quant, "adapter="+quant+",embed="+quant)
		rounded := pathT(t, writeT(t, pathT(t, demoName), WriteOptions{Scheme: all}))
		wide := pathT(t, writeT(t, rounded, WriteOptions{Scheme: schemeT(t, "f32", "")}))
		again := pathT(t, writeT(t, wide, WriteOptions{Scheme: all}))
		blocks := 0
		for _, info := range again.Tensors() {
			if other, _ := wide.Tensor(info.Name); other.DType != format.F32 {
				t.Errorf("%s: %s in %s", quant, info.Name, other.DType)
			}
			if !slices.Equal(readAll(t, wide, info.Name), readAll(t, again, info.Name)) {
				t.Errorf("%s: %s in %s differs", quant, info.Name, info.DType)
			}
			if info.DType.Blocked() {
				blocks++
			}
		}
		if want := 4*again.Config.Layers() + 2; blocks != want {
			t.Errorf("%s: %d matrices in blocks, want %d", quant, blocks, want)
		}
	}
}

// What each part is stored as, by the scheme and what the source has.
func TestSchemeFormats(t *testing.T) {
	const core, prelude, proj = "transformer.core_block.1.mlp.fc.weight", "transformer.prelude.0.attn.Wqkv.weight", "transformer.core_block.0.mlp.proj.weight"
	for _, c := range []struct {
		model, quant, keep string
		want               map[string]format.Type
	}{
		{demoName, "auto", "", map[string]format.Type{arch.NameEmbedding: format.BF16, arch.NameAdapter: format.BF16, core: format.BF16, arch.NameNorm: format.F32}},
		{demoName, "q4_0", "", map[string]format.Type{arch.NameEmbedding: format.Q8_0, arch.NameAdapter: format.BF16, core: format.Q4_0, prelude: format.Q4_0, arch.NameNorm: format.F32}},
		{demoName, "q8_0", "embed=f16,adapter=q8_0", map[string]format.Type{arch.NameEmbedding: format.F16, arch.NameAdapter: format.Q8_0, core: format.Q8_0}},
		{demoName, "q4_0", "core, head", map[string]format.Type{arch.NameEmbedding: format.BF16, core: format.BF16, prelude: format.Q4_0}},
		{"A-f32", "q8_0", "", map[string]format.Type{arch.NameEmbedding: format.Q8_0, arch.NameAdapter: format.F16, core: format.Q8_0, proj: format.F32}}, // 176 columns: no whole blocks
		{"A-f32", "q4_0", "prelude,coda=f32", map[string]format.Type{prelude: format.F16, "transformer.coda.0.attn.proj.weight": format.F32, core: format.Q4_0}},
		{"A-f32", "bf16", "", map[string]format.Type{arch.NameEmbedding: format.BF16, arch.NameAdapter: format.BF16, core: format.BF16, proj: format.BF16, arch.NameNorm: format.F32}},
		{"C-f16", "q8_0", "adapter=q4_0", map[string]format.Type{arch.NameEmbedding: format.F16, arch.NameAdapter: format.F16}}, // 120 columns
	} {
		path := c.model
		if path != demoName {
			path = golden.Path(t, "goldens", "models", c.model)
		}
		b := pathT(t, writeT(t, pathT(t, path), WriteOptions{Scheme: schemeT(t, c.quant, c.keep)}))
		for name, want := range c.want {
			if info, _ := b.Tensor(name); info.DType != want {
				t.Errorf("%s, %s, keep %q: %s is %s, want %s", c.model, c.quant, c.keep, name, info.DType, want)
			}
		}
	}
	for _, bad := range [][2]string{{"q5_0", ""}, {"q4_0", "body"}, {"q4_0", "core=q3"}, {"q4_0", "core=auto"}, {"q4_0", "core,core"}} {
		if _, err := ParseScheme(bad[0], bad[1]); !errors.Is(err, ErrScheme) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	tied := pathT(t, golden.Path(t, "goldens", "models", "A-f32"))
	err := WriteGGUF(context.Background(), tied, filepath.Join(t.TempDir(), "x.gguf"), WriteOptions{Scheme: schemeT(t, "q8_0", "head=f16,embed=f32")})
	if !errors.Is(err, ErrScheme) {
		t.Errorf("one matrix in two formats: %v", err)
	}
}

// The file's bytes do not depend on the number of cores.
func TestSameBytesOnAnyCores(t *testing.T) {
	ck := pathT(t, golden.Path(t, "goldens", "models", "A-f32"))
	var files [][]byte
	for _, cores := range []int{1, 2, 7} {
		was := runtime.GOMAXPROCS(cores)
		data, err := os.ReadFile(writeT(t, ck, WriteOptions{Scheme: schemeT(t, "q4_0", "adapter=q8_0")}))
		runtime.GOMAXPROCS(was)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	if !bytes.Equal(files[0], files[1]) || !bytes.Equal(files[0], files[2]) {
		t.Error("files differ")
	}
}

// Reads that begin and end inside blocks give what a read of everything has there.
func TestReadInsideBlocks(t *testing.T) {
	for _, quant := range []string{"q8_0", "q4_0"} {
		ck := pathT(t, writeT(t, pathT(t, demoName), WriteOptions{Scheme: schemeT(t, quant, "")}))
		const name = "transformer.core_block.0.mlp.fc.weight"
		whole := readAll(t, ck, name)
		for _, r := range [][2]int{{0, 1}, {31, 2}, {5, 20}, {1, 31}, {33, 40000}, {64, 32}, {len(whole) - 1, 1}, {7, len(whole) - 7}} {
			part := make([]float32, r[1])
			if err := ck.ReadF32(name, part, int64(r[0])); err != nil || !slices.Equal(part, whole[r[0]:][:r[1]]) {
				t.Errorf("%s: elements %d to %d differ, %v", quant, r[0], r[0]+r[1], err)
			}
		}
		if err := ck.ReadF32(name, make([]float32, 2), int64(len(whole)-1)); err == nil {
			t.Errorf("%s: read past the end", quant)
		}
	}
}
