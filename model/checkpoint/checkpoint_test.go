package checkpoint

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"muninn/model/arch"
	"muninn/model/internal/golden"
	"muninn/shaders/format"
)

// openT opens a checkpoint that must be sound.
func openT(t *testing.T, dir string) *Checkpoint {
	t.Helper()
	c, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func readAll(t *testing.T, c *Checkpoint, name string) []float32 {
	t.Helper()
	info, ok := c.Tensor(name)
	if !ok {
		t.Fatalf("no tensor %s", name)
	}
	v := make([]float32, info.DType.Elements(info.Bytes))
	if err := c.ReadF32(name, v, 0); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOpenGoldens(t *testing.T) {
	for dir, want := range map[string]struct {
		tensors int
		total   int64
		dtype   format.Type
	}{
		"A-f32":  {41, 243264, format.F32},
		"A-bf16": {41, 243264, format.BF16},
		"C-f16":  {75, 1560480, format.F16},
	} {
		c := openT(t, golden.Path(t, "goldens", "models", dir))
		if got := c.Config.Params(); got != want.total {
			t.Errorf("%s: %d parameters, want %d", dir, got, want.total)
		}
		if got := len(c.Tensors()); got != want.tensors {
			t.Errorf("%s: %d tensors, want %d", dir, got, want.tensors)
		}
		if info, _ := c.Tensor(arch.NameEmbedding); info.DType != want.dtype {
			t.Errorf("%s: embedding in %s, want %s", dir, info.DType, want.dtype)
		}
		if !slices.Equal(c.Generation.EOS, []int{2, 5}) || c.Generation.BOS != 1 || c.Generation.Temperature != 0.7 {
			t.Errorf("%s: generation config %+v", dir, c.Generation)
		}
		if _, err := c.TokenizerJSON(); !errors.Is(err, ErrNoTokenizer) || !errors.Is(err, ErrModel) {
			t.Errorf("%s: tokenizer: %v, want ErrNoTokenizer", dir, err)
		}
	}
}

// A-bf16 holds the weights of A-f32 rounded by PyTorch, to nearest even: our rounding must give the same bits, and what
// ReadF32 widens must be those bits.
func TestRoundedCopy(t *testing.T) {
	full, rounded := openT(t, golden.Path(t, "goldens", "models", "A-f32")), openT(t, golden.Path(t, "goldens", "models", "A-bf16"))
	for _, spec := range full.Config.TensorSpecs() {
		exact, short := readAll(t, full, spec.Name), readAll(t, rounded, spec.Name)
		for i, v := range exact {
			if got := format.BF16ToF32(format.F32ToBF16(v)); got != short[i] {
				t.Fatalf("%s[%d]: %v rounds to %v, PyTorch has %v", spec.Name, i, v, got, short[i])
			}
		}
	}
}

func TestHostile(t *testing.T) {
	names := map[string]bool{}
	for _, tc := range hostileCases() {
		if names[tc.Name] {
			t.Errorf("two cases named %q", tc.Name)
		}
		names[tc.Name] = true
		t.Run(tc.Name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tc.Build(dir); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, err := OpenPath(tc.Path(dir))
			runtime.ReadMemStats(&after)
			if err == nil {
				c.Close()
				t.Fatalf("opened, want an error with %q", tc.Want)
			}
			if !errors.Is(err, ErrModel) {
				t.Errorf("%v is not an ErrModel", err)
			}
			if !strings.Contains(err.Error(), tc.Want) || !strings.HasPrefix(err.Error(), "model: ") {
				t.Errorf("error %q, want %q in it, after the package's name", err, tc.Want)
			}
			if len(err.Error()) > 400 {
				t.Errorf("error of %d bytes: text from the file is not clipped", len(err.Error()))
			}
			// All allocations of the call together, not what is held at once: the largest case is a header of 12 MiB, read
			// whole and walked token by token up to the 20 001st key.
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("%d MiB allocated", used>>20)
			}
		})
	}
	if len(names) < 100 {
		t.Errorf("only %d cases", len(names))
	}
}

func TestUnknownArchitecture(t *testing.T) {
	_, _, err := arch.ParseConfig([]byte(`{"model_type":"llama"}`), nil)
	var unknown *arch.UnknownArchitectureError
	if !errors.As(err, &unknown) || unknown.Found != "llama" {
		t.Errorf("got %#v", err)
	}
	if n := strings.Count(err.Error(), "RavenForCausalLM"); n != 1 || !strings.Contains(err.Error(), "ouro (OuroForCausalLM)") {
		t.Errorf("%v, want every class once", err)
	}
}

func TestShardsReadAsOneFile(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	if err := errors.Join(soundIn(one), soundShardsIn(two)); err != nil {
		t.Fatal(err)
	}
	a, b := openT(t, one), openT(t, two)
	if a.Size() != b.Size() || a.Size() == 0 || len(a.Tensors()) != len(b.Tensors()) {
		t.Errorf("%d bytes in %d tensors, in shards %d in %d", a.Size(), len(a.Tensors()), b.Size(), len(b.Tensors()))
	}
	for _, info := range a.Tensors() {
		if !slices.Equal(readAll(t, a, info.Name), readAll(t, b, info.Name)) {
			t.Errorf("%s differs", info.Name)
		}
	}
}

// seqFS hides that its files can be read at any place.
type seqFS struct{ fs.FS }
type seqFile struct{ f fs.File }

func (s seqFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return seqFile{f}, err
}
func (s seqFile) Stat() (fs.FileInfo, error) { return s.f.Stat() }
func (s seqFile) Read(p []byte) (int, error) { return s.f.Read(p) }
func (s seqFile) Close() error               { return s.f.Close() }

func TestOpenCheckpointFS(t *testing.T) {
	dir := t.TempDir()
	if err := soundIn(dir); err != nil {
		t.Fatal(err)
	}
	want := readAll(t, openT(t, dir), arch.NameAdapter)
	for name, fsys := range map[string]fs.FS{"files": os.DirFS(dir), "sequential": seqFS{os.DirFS(dir)}} {
		c, err := OpenFS(fsys)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := readAll(t, c, arch.NameAdapter); !slices.Equal(got, want) {
			t.Errorf("%s: the adapter differs", name)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := OpenFS(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, ErrModel) {
		t.Errorf("empty file system: %v", err)
	}
}

// The hub cache keeps the bytes in blobs and links to them from outside that folder.
func TestHubCacheLinks(t *testing.T) {
	repo := filepath.Join(t.TempDir(), "models--org--name")
	snapshot, blobs := filepath.Join(repo, "snapshots", "abc"), filepath.Join(repo, "blobs")
	if err := errors.Join(os.MkdirAll(snapshot, 0o755), os.MkdirAll(blobs, 0o755), soundIn(blobs)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "model.safetensors"} {
		if err := os.Symlink("../../blobs/"+name, filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := openT(t, snapshot)
	if got := readAll(t, c, arch.NameNorm); got[0] != 0.5 {
		t.Errorf("ln_f[0] = %v, want 0.5", got[0])
	}
	if c.Generation.Temperature != 0.7 || c.Generation.BOS != -1 {
		t.Errorf("without generation_config.json: %+v", c.Generation)
	}
}

func TestReadBounds(t *testing.T) {
	c := openT(t, golden.Path(t, "goldens", "models", "A-bf16"))
	info, _ := c.Tensor(arch.NameEmbedding)
	raw := make([]byte, info.Bytes)
	if err := c.ReadAt(arch.NameEmbedding, raw, 0); err != nil {
		t.Fatal(err)
	}
	// 512 x 64 elements take two decode buffers; a start inside the tensor crosses their border elsewhere.
	whole, tail := readAll(t, c, arch.NameEmbedding), make([]float32, 20000)
	if err := c.ReadF32(arch.NameEmbedding, tail, int64(len(whole)-len(tail))); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tail, whole[len(whole)-len(tail):]) {
		t.Error("a part differs from the whole")
	}
	if got := format.BF16ToF32(binary.LittleEndian.Uint16(raw[2*777:])); got != whole[777] {
		t.Errorf("element 777 is %v, its bytes say %v", whole[777], got)
	}
	first := c.Tensors()[0] // others follow it in the file, so only the check stands between a long read and their bytes
	n := first.Bytes / int64(first.DType.Size())
	for name, err := range map[string]error{
		"negative":      c.ReadAt(first.Name, raw[:4], -1),
		"past the end":  c.ReadAt(first.Name, raw[:4], first.Bytes-3),
		"far":           c.ReadAt(first.Name, raw[:1], 1<<62),
		"no tensor":     c.ReadAt("x", raw, 0),
		"f32 far":       c.ReadF32(first.Name, tail, 1<<62),
		"f32 over":      c.ReadF32(first.Name, tail[:2], n-1),
		"f32 negative":  c.ReadF32(first.Name, tail, -1),
		"f32 no tensor": c.ReadF32("x", tail, 0),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A file that shrinks while it is in use is an error when read, not a crash.
func TestFileShrinks(t *testing.T) {
	dir := t.TempDir()
	if err := soundIn(dir); err != nil {
		t.Fatal(err)
	}
	c := openT(t, dir)
	if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 3000); err != nil {
		t.Fatal(err)
	}
	if err := c.ReadF32(arch.NameNorm, make([]float32, 16), 0); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "changed while in use") {
		t.Errorf("got %v", err)
	}
}

func TestOpenWhatIsNoFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "gone"), file} {
		if _, err := OpenFolder(path); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
