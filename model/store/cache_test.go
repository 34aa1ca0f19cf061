package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muninn/model/checkpoint"
	"muninn/model/demo"
	"muninn/shaders/format"
)

// loaded is what a load through a cache gave.
type loaded struct {
	source bool   // the source itself was loaded
	said   string // notes
	coda   format.Type
	values []float32 // of one tensor
}

const codaTensor = "transformer.coda.0.mlp.fc.weight"

// load loads src through a cache in dir, every tensor from its first byte to its last as a device does.
func load(t *testing.T, dir, src, quant string) loaded {
	t.Helper()
	ck, err := Open(src)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	scheme, err := checkpoint.ParseScheme(quant, "")
	if err != nil {
		t.Fatal(err)
	}
	var got loaded
	c := Cache{Dir: dir, Note: func(f string, args ...any) { got.said += fmt.Sprintf(f, args...) + "\n" },
		Progress: func(string, int64) (func(done, total int64), func()) { return nil, func() {} }}
	from, err := c.Load(context.Background(), filepath.Base(src), ck, scheme, func(from *checkpoint.Checkpoint) error {
		for _, info := range from.Tensors() {
			values := make([]float32, info.DType.Elements(info.Bytes))
			if err := from.ReadF32(info.Name, values, 0); err != nil {
				return err
			}
			if info.Name == codaTensor {
				got.coda, got.values = info.DType, values
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
		return got
	}
	if got.source = from == ck; !got.source {
		from.Close()
	}
	return got
}

// wants fails the test unless the weights came from a file of the cache, with these words, and the cache has n files.
func (l loaded) wants(t *testing.T, dir, said string, n int) {
	t.Helper()
	if files := kept(t, dir); l.source || !strings.Contains(l.said, said) || len(files) != n {
		t.Errorf("source used: %v, %q, want %q; files %v, want %d", l.source, l.said, said, files, n)
	}
}

func kept(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// copyDemo writes the demo model as a folder.
func copyDemo(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, demo.Files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// flip changes one byte of a file and leaves size and time of change as they are.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[(at+int64(len(data)))%int64(len(data))] ^= 1
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

// What a model holds is quantized once for a scheme, whatever it is called and wherever it is.
func TestCache(t *testing.T) {
	dir, src := t.TempDir(), copyDemo(t, "a")
	first := load(t, dir, src, "q4_0")
	first.wants(t, dir, "quantizing to q4_0, once: 0.7 MB go to "+dir, 1)
	if first.coda != format.Q4_0 {
		t.Errorf("coda in %s", first.coda)
	}
	path := kept(t, dir)[0]
	for _, name := range []string{src, copyDemo(t, "b"), "demo", src + "/../a"} {
		again := load(t, dir, name, "q4_0")
		again.wants(t, dir, "weights from the cache: "+path+"\n", 1)
		if !slices.Equal(again.values, first.values) || strings.Contains(again.said, "quantizing") {
			t.Errorf("%s: other weights, or %q", name, again.said)
		}
	}
	load(t, dir, src, "q8_0").wants(t, dir, "quantizing to q8_0", 2)
	// Nothing to quantize, nothing to keep.
	for _, c := range [][2]string{{src, "auto"}, {src, "f16"}, {path, "q4_0"}} {
		if got := load(t, dir, c[0], c[1]); !got.source || got.said != "" {
			t.Errorf("%v: %q", c, got.said)
		}
	}
	if got := load(t, "", src, "q4_0"); !got.source || got.said != "" {
		t.Errorf("no folder: %q", got.said)
	}
}

// Whatever is wrong with a kept file is said once, and the file is made anew.
func TestCacheHeals(t *testing.T) {
	dir, src := t.TempDir(), copyDemo(t, "a")
	first := load(t, dir, src, "q4_0")
	path := kept(t, dir)[0]
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func() error{
		"another file": func() error {
			other := t.TempDir()
			load(t, other, src, "q8_0")
			return os.Rename(kept(t, other)[0], path)
		},
		"empty":  func() error { return os.WriteFile(path, nil, 0o600) },
		"a page": func() error { return os.WriteFile(path, []byte("<!DOCTYPE html><html>"), 0o600) },
		"cut":    func() error { return os.Truncate(path, 300_000) },
	}
	for _, at := range []int64{0, 100, -3} {
		damages[fmt.Sprint("byte ", at)] = func() error { flip(t, path, at); return nil }
	}
	end := int64(len(sound))
	for i := range int64(20) {
		at := end/2 + i*end/50
		damages[fmt.Sprint("byte ", at)] = func() error { flip(t, path, at); return nil }
	}
	for what, damage := range damages {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		got := load(t, dir, src, "q4_0")
		got.wants(t, dir, "the cached weights cannot be used and are re-created: ", 1)
		if now, err := os.ReadFile(path); err != nil || !slices.Equal(now, sound) || !slices.Equal(got.values, first.values) {
			t.Errorf("%s: the file was not made as before, %v", what, err)
		}
		if again := load(t, dir, src, "q4_0"); again.said != "weights from the cache: "+path+"\n" {
			t.Errorf("%s: then %q", what, again.said)
		}
	}
}

// Without a place for the file, and with a file there that cannot be replaced, the weights are used all the same.
func TestCacheCannotBeWritten(t *testing.T) {
	place := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	load(t, dir, "demo", "q8_0")
	path := kept(t, dir)[0]
	if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{place, dir} {
		got := load(t, dir, "demo", "q8_0")
		if !got.source || !strings.Contains(got.said, "no cache: ") || !strings.Contains(got.said, "the weights are quantized as they are loaded") || got.values == nil {
			t.Errorf("source used: %v, %q", got.source, got.said)
		}
	}
}

// A change anywhere in the weights is noticed, though size and time of change stay; what did not change is not read again.
func TestCacheNoticesChanges(t *testing.T) {
	t.Parallel()
	dir, src := t.TempDir(), copyDemo(t, "a")
	weights := filepath.Join(src, "model.safetensors")
	time.Sleep(2100 * time.Millisecond) // younger files are not remembered
	load(t, dir, src, "q4_0").wants(t, dir, "quantizing", 1)
	remembered, err := filepath.Glob(filepath.Join(dir, "sources", "*"))
	if err != nil || len(remembered) != 1 {
		t.Fatalf("remembered: %v, %v", remembered, err)
	}
	// The memory is used: with another key in it, the kept file is not found.
	key, err := os.ReadFile(remembered[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(remembered[0], []byte(strings.Repeat("0", len(key))), 0o600); err != nil {
		t.Fatal(err)
	}
	load(t, dir, src, "q4_0").wants(t, dir, "quantizing", 2)
	if err := os.WriteFile(remembered[0], key[:17], 0o600); err != nil { // cut short, it counts for nothing
		t.Fatal(err)
	}
	load(t, dir, src, "q4_0").wants(t, dir, "weights from the cache", 2)
	for i, at := range []int64{-1, -1_000_003, -500_001} {
		flip(t, weights, at)
		load(t, dir, src, "q4_0").wants(t, dir, "quantizing", 3+i)
	}
	text := filepath.Join(src, "tokenizer.json")
	data, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(text, append(data, ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	load(t, dir, src, "q4_0").wants(t, dir, "quantizing", 6)
}

// Loads at the same time do not disturb each other.
func TestCacheAtOnce(t *testing.T) {
	dir, src := t.TempDir(), copyDemo(t, "a")
	var group sync.WaitGroup
	got := make([]loaded, 4)
	for i := range got {
		group.Go(func() { got[i] = load(t, dir, src, "q4_0") })
	}
	group.Wait()
	for _, l := range got {
		l.wants(t, dir, "", 1)
		if !slices.Equal(l.values, got[0].values) || strings.Contains(l.said, "cannot") || strings.Contains(l.said, "no cache") {
			t.Errorf("%q", l.said)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
