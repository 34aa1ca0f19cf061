package model

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"muninn/model/gguf"
	"muninn/model/hostile"
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

func pathT(t testing.TB, path string) *Checkpoint {
	t.Helper()
	ck, err := OpenPath(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

// A file that keeps every tensor as it is stored holds the checkpoint without loss: weights, texts, config.
func TestGGUFRoundTrip(t *testing.T) {
	for _, name := range []string{DemoName, "A-f32", "A-bf16", "C-f16"} {
		t.Run(name, func(t *testing.T) {
			path := name
			if name != DemoName {
				path = filepath.Join(goldenModels, name)
			}
			a := pathT(t, path)
			b := pathT(t, writeT(t, a, WriteOptions{Name: name}))
			if a.Config != b.Config || !slices.Equal(a.Generation.EOS, b.Generation.EOS) || a.Generation.TopP != b.Generation.TopP {
				t.Errorf("config %+v became %+v", a.Config, b.Config)
			}
			for _, file := range []string{fileConfig, fileGeneration, fileTokenizer, fileTokenizerConfig} {
				x, errX := a.text(file, 1<<26)
				y, errY := b.text(file, 1<<26)
				if !bytes.Equal(x, y) || (errX == nil) != (errY == nil) {
					t.Errorf("%s: %d bytes became %d, %v, %v", file, len(x), len(y), errX, errY)
				}
			}
			for _, spec := range a.Config.TensorSpecs() {
				if _, ok := a.Tensor(spec.Name); !ok || spec.Part == PartHead && a.Config.TieEmbeddings {
					continue
				}
				if !slices.Equal(readAll(t, a, spec.Name), readAll(t, b, spec.Name)) {
					t.Errorf("%s differs", spec.Name)
				}
			}
			if _, ok := b.Tensor(NameHead); ok == a.Config.TieEmbeddings {
				t.Errorf("tied %v, and there is a head: %v", a.Config.TieEmbeddings, ok)
			}
		})
	}
}

// Weights that lie on a 4-bit or 8-bit grid lose nothing in blocks of that format: the demo, rounded to one, widened, and
// quantised again.
func TestGridsAreExact(t *testing.T) {
	for _, quant := range []string{"q4_0", "q8_0"} {
		all := schemeT(t, quant, "adapter="+quant+",embed="+quant)
		rounded := pathT(t, writeT(t, pathT(t, DemoName), WriteOptions{Scheme: all}))
		wide := pathT(t, writeT(t, rounded, WriteOptions{Scheme: schemeT(t, "f32", "")}))
		again := pathT(t, writeT(t, wide, WriteOptions{Scheme: all}))
		blocks := 0
		for _, info := range again.Tensors() {
			if other, _ := wide.Tensor(info.Name); other.DType != F32 {
				t.Errorf("%s: %s in %s", quant, info.Name, other.DType)
			}
			if !slices.Equal(readAll(t, wide, info.Name), readAll(t, again, info.Name)) {
				t.Errorf("%s: %s in %s differs", quant, info.Name, info.DType)
			}
			if info.DType.Quantised() {
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
		want               map[string]DType
	}{
		{DemoName, "auto", "", map[string]DType{NameEmbedding: BF16, NameAdapter: BF16, core: BF16, NameNorm: F32}},
		{DemoName, "q4_0", "", map[string]DType{NameEmbedding: Q8_0, NameAdapter: BF16, core: Q4_0, prelude: Q4_0, NameNorm: F32}},
		{DemoName, "q8_0", "embed=f16,adapter=q8_0", map[string]DType{NameEmbedding: F16, NameAdapter: Q8_0, core: Q8_0}},
		{DemoName, "q4_0", "core, head", map[string]DType{NameEmbedding: BF16, core: BF16, prelude: Q4_0}},
		{"A-f32", "q8_0", "", map[string]DType{NameEmbedding: Q8_0, NameAdapter: F16, core: Q8_0, proj: F32}}, // 176 columns: no whole blocks
		{"A-f32", "q4_0", "prelude,coda=f32", map[string]DType{prelude: F16, "transformer.coda.0.attn.proj.weight": F32, core: Q4_0}},
		{"A-f32", "bf16", "", map[string]DType{NameEmbedding: BF16, NameAdapter: BF16, core: BF16, proj: BF16, NameNorm: F32}},
		{"C-f16", "q8_0", "adapter=q4_0", map[string]DType{NameEmbedding: F16, NameAdapter: F16}}, // 120 columns
	} {
		path := c.model
		if path != DemoName {
			path = filepath.Join(goldenModels, c.model)
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
	tied := pathT(t, filepath.Join(goldenModels, "A-f32"))
	err := WriteGGUF(context.Background(), tied, filepath.Join(t.TempDir(), "x.gguf"), WriteOptions{Scheme: schemeT(t, "q8_0", "head=f16,embed=f32")})
	if !errors.Is(err, ErrScheme) {
		t.Errorf("one matrix in two formats: %v", err)
	}
}

// The file's bytes do not depend on the number of cores.
func TestSameBytesOnAnyCores(t *testing.T) {
	ck := pathT(t, filepath.Join(goldenModels, "A-f32"))
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

// A flipped bit is noticed when the file is opened or, in a tensor's data, when that is read.
func TestGGUFDamage(t *testing.T) {
	dir := t.TempDir()
	if err := hostile.Sound(dir); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(writeT(t, openT(t, dir), WriteOptions{Scheme: schemeT(t, "q8_0", "")}))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.gguf")
	read := func(data []byte) error {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
		c, err := OpenPath(path)
		if err != nil {
			return err
		}
		defer c.Close()
		for _, info := range c.Tensors() {
			if err := c.ReadF32(info.Name, make([]float32, info.DType.Elements(info.Bytes)), 0); err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(sound); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(sound); at += 1 + len(sound)/3000 {
		data := bytes.Clone(sound)
		data[at] ^= 1 << (at % 8)
		if err := read(data); !errors.Is(err, ErrModel) {
			t.Errorf("bit %d of byte %d flipped: %v", at%8, at, err)
		}
	}
	for n := 0; n < len(sound); n += 1 + len(sound)/100 {
		if err := read(sound[:n]); !errors.Is(err, ErrModel) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// Values that a format has no room for are named, and no file is left.
func TestGGUFRefusesValues(t *testing.T) {
	dir := t.TempDir()
	if err := hostile.Sound(dir); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, fileSingle)
	data, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	copy(data[len(data)-4*16-4*16*32+4*40:], []byte{0, 0, 0x80, 0x4f}) // 2^32
	if err := os.WriteFile(weights, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = WriteGGUF(context.Background(), openT(t, dir), filepath.Join(out, "y.gguf"), WriteOptions{Scheme: schemeT(t, "f16", "")})
	if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "element 40 is 4.2949673e+09, too large for F16; keep this part in bf16") {
		t.Errorf("2^32 in f16: %v", err)
	}
	if gguf.Exists(filepath.Join(out, "y.gguf")) {
		t.Error("a file is there")
	}
	// At 16 bit, and not asked for as f16, the adapter goes to bf16 instead.
	big := pathT(t, writeT(t, openT(t, dir), WriteOptions{Scheme: schemeT(t, "q8_0", "")}))
	if info, _ := big.Tensor(NameAdapter); info.DType != BF16 {
		t.Errorf("adapter with 2^32 in %s", info.DType)
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// craft writes the demo in blocks with whatever change makes of it: the checksums fit, as in a file made to do harm.
func craft(t *testing.T, change func(name string, d *DType, stored []byte)) string {
	t.Helper()
	ck := pathT(t, DemoName)
	j, err := jobGGUF(ck, WriteOptions{Scheme: schemeT(t, "q8_0", "core=q4_0")})
	if err != nil {
		t.Fatal(err)
	}
	var data [][]byte
	for i, info := range j.tensors {
		change(info.Name, &j.formats[i], nil)
		j.entries[i].Type = ggufType(j.formats[i])
		src := make([]byte, info.Bytes)
		dst := make([]byte, j.formats[i].Bytes(info.DType.Elements(info.Bytes)))
		if err := errors.Join(ck.ReadAt(info.Name, src, 0), newConverter().convert(dst, j.formats[i], src, info, 0)); err != nil {
			t.Fatal(err)
		}
		change(info.Name, &j.formats[i], dst)
		data = append(data, dst)
	}
	path := filepath.Join(t.TempDir(), "crafted.gguf")
	w, err := gguf.Create(path, j.meta, j.entries)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range data {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Blocks that our quantiser does not make are refused when they are read.
func TestForeignBlocks(t *testing.T) {
	const prelude, core = "transformer.prelude.0.attn.proj.weight", "transformer.core_block.0.attn.proj.weight"
	for want, change := range map[string]func(name string, stored []byte){
		"": func(string, []byte) {},
		"a quant of -128": func(name string, stored []byte) {
			if name == prelude {
				stored[34*5+2+7] = 0x80
			}
		},
		"the scale +Inf": func(name string, stored []byte) {
			if name == core {
				stored[18*5], stored[18*5+1] = 0, 0x7c
			}
		},
	} {
		ck := pathT(t, craft(t, func(name string, _ *DType, stored []byte) {
			if stored != nil {
				change(name, stored)
			}
		}))
		var err error
		for _, name := range []string{prelude, core} {
			err = errors.Join(err, ck.ReadF32(name, make([]float32, 128*128), 0))
		}
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrModel) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	path := craft(t, func(name string, d *DType, _ []byte) {
		if name == NameNorm {
			*d = Q8_0
		}
	})
	if _, err := OpenPath(path); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "element type Q8_0, which only matrices may have") {
		t.Errorf("ln_f in blocks: %v", err)
	}
}

// Reads that begin and end inside blocks give what a read of everything has there.
func TestReadInsideBlocks(t *testing.T) {
	for _, quant := range []string{"q8_0", "q4_0"} {
		ck := pathT(t, writeT(t, pathT(t, DemoName), WriteOptions{Scheme: schemeT(t, quant, "")}))
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
