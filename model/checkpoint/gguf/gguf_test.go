package gguf

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"muninn/shaders/format"
)

var (
	sampleMeta = []KV{
		{"general.architecture", "sample"}, {"u32", uint32(7)}, {"u64", uint64(1 << 40)}, {"i32", int32(-5)}, {"f32", float32(0.25)},
		{"yes", true}, {"texts", []string{"a", "", "long enough to see"}}, {"ints", []int32{-1, 2}}, {"text", "grün"},
	}
	sampleTensors = []Tensor{
		{Name: "odd", Type: format.F32, Dims: []uint64{3}}, {Name: "blocks", Type: format.Q4_0, Dims: []uint64{64, 2}},
		{Name: "four", Type: format.BF16, Dims: []uint64{2, 3, 1, 2}}, {Name: "eight", Type: format.Q8_0, Dims: []uint64{32, 1}},
	}
)

// sample writes the sample file and returns its path and the tensors' bytes.
func sample(t testing.TB) (path string, data [][]byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sample.gguf")
	w, err := Create(path, sampleMeta, sampleTensors)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for i, size := range []int{12, 72, 24, 34} {
		p := make([]byte, size)
		for j := range p {
			p[j] = byte(100*i + j)
		}
		data, all = append(data, p), append(all, p...)
	}
	for len(all) > 0 { // across tensors, in uneven pieces
		n := min(len(all), 37)
		if _, err := w.Write(all[:n]); err != nil {
			t.Fatal(err)
		}
		all = all[n:]
	}
	if exists(path) {
		t.Error("the file is there before it is complete")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != w.Size() {
		t.Errorf("file of %d bytes, want %d, %v", info.Size(), w.Size(), err)
	}
	return path, data
}

// open reads a file as a caller does.
func open(r io.ReaderAt, size int64) (*File, error) {
	f, err := ReadMetadata(r, size)
	if err == nil {
		err = f.ReadTensors()
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Checksums()
	return f, err
}

func TestRoundTrip(t *testing.T) {
	path, data := sample(t)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := open(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := f.Checksums()
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors) != len(sampleTensors) {
		t.Fatalf("%d tensors", len(f.Tensors))
	}
	for i, got := range f.Tensors {
		want := sampleTensors[i]
		if got.Name != want.Name || got.Type != want.Type || !slices.Equal(got.Dims, want.Dims) || got.Offset%defaultAlign != 0 {
			t.Errorf("tensor %+v, want %+v", got, want)
		}
		if stored := raw[got.Offset:][:got.Bytes]; !bytes.Equal(stored, data[i]) || Checksum(0, stored) != sums[got.Name] {
			t.Errorf("%s: %x, want %x", got.Name, stored, data[i])
		}
	}
	for key, want := range map[string]float64{"u32": 7, "u64": 1 << 40, "i32": -5, "f32": 0.25} {
		if got, err := f.Number(key); err != nil || got != want {
			t.Errorf("%s is %v, %v", key, got, err)
		}
	}
	if text, err := f.Text("text", 10); err != nil || text != "grün" {
		t.Errorf("text %q, %v", text, err)
	}
	if v, ok := f.Value("texts"); !ok || v.Kind != Array || v.Elem != String || v.Len != 3 {
		t.Errorf("texts %+v", v)
	}
	for what, err := range map[string]error{
		"too long": second(f.Text("text", 4)), "no text": second(f.Text("u32", 4)), "no key": second(f.Text("none", 4)),
		"no number": second(f.Number("text")), "no such number": second(f.Number("none")),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.gguf")
	one := []Tensor{{Name: "a", Type: format.F32, Dims: []uint64{4}}}
	for name, c := range map[string]struct {
		meta    []KV
		tensors []Tensor
		want    string
	}{
		"key twice":        {[]KV{{"a", "b"}, {"a", "c"}}, nil, "given twice"},
		"tensor twice":     {nil, append(one, one...), "given twice"},
		"rows of 33":       {nil, []Tensor{{Name: "a", Type: format.Q8_0, Dims: []uint64{33}}}, "not whole blocks"},
		"no dimensions":    {nil, []Tensor{{Name: "a", Type: format.F32}}, "0 dimensions"},
		"unknown type":     {nil, []Tensor{{Name: "a", Type: format.FromGGUF(12), Dims: []uint64{256}}}, "stored as type 12"},
		"text not UTF-8":   {[]KV{{"a", "\xff"}}, nil, "not valid UTF-8"},
		"list not UTF-8":   {[]KV{{"a", []string{"b", "\xc3"}}}, nil, "not valid UTF-8"},
		"key not UTF-8":    {[]KV{{"\xff", "b"}}, nil, "not valid UTF-8"},
		"name not UTF-8":   {nil, []Tensor{{Name: "\xff", Type: format.F32, Dims: []uint64{4}}}, "not valid UTF-8"},
		"value of no kind": {[]KV{{"a", 5}}, nil, "a value of type int"},
	} {
		if _, err := Create(path, c.meta, c.tensors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, data := range map[string]int{"too little": 15, "too much": 17} {
		w, err := Create(path, nil, one)
		if err != nil {
			t.Fatal(err)
		}
		_, werr := w.Write(make([]byte, data))
		if cerr := w.Close(); cerr == nil || data > 16 && werr == nil {
			t.Errorf("%s: %v, %v", name, werr, cerr)
		}
	}
	if _, err := Create(filepath.Join(dir, "none", "x.gguf"), nil, one); err == nil || strings.Contains(err.Error(), tempMark) {
		t.Errorf("no folder: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

type fullDisk struct{ left int }

// noSpace is how the system says that a disk is full.
var noSpace = map[bool]syscall.Errno{false: syscall.ENOSPC, true: 112}[runtime.GOOS == "windows"]

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, &os.PathError{Op: "write", Path: "hidden", Err: noSpace}
	}
	return len(p), nil
}

// A disk that fills up while writing gives one error that says so, and nothing is left.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.gguf")
	w, err := Create(path, nil, []Tensor{{Name: "a", Type: format.F32, Dims: []uint64{1000}}})
	if err != nil {
		t.Fatal(err)
	}
	w.out = &fullDisk{1500}
	for range 4 {
		_, err = w.Write(make([]byte, 1000))
	}
	if cerr := w.Close(); !errors.Is(err, ErrNoSpace) || !errors.Is(cerr, ErrNoSpace) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v, %v", err, cerr)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Hidden files of writers that are gone are removed by the next one, those of living writers and other files stay.
func TestStaleFiles(t *testing.T) {
	dir := t.TempDir()
	tensors := []Tensor{{Name: "a", Type: format.F32, Dims: []uint64{1}}}
	living, err := Create(filepath.Join(dir, "a.gguf"), nil, tensors)
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(dir, ".b.gguf"+tempMark+"123")
	other := filepath.Join(dir, ".other")
	for _, name := range []string{dead, other} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second, err := Create(filepath.Join(dir, "c.gguf"), nil, tensors)
	if err != nil {
		t.Fatal(err)
	}
	if exists(dead) || !exists(other) {
		t.Errorf("dead writer's file there: %v, another file there: %v", exists(dead), exists(other))
	}
	for name, w := range map[string]*Writer{"a.gguf": living, "c.gguf": second} {
		if _, err := w.Write(make([]byte, 4)); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil || !exists(filepath.Join(dir, name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
}

// A file is refused, or every tensor lies inside it and costs no more memory than the file itself gives reason for.
func FuzzReader(f *testing.F) {
	path, _ := sample(f)
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sound)
	for _, at := range []int{4, 8, 16, 24, 40, len(sound) / 2, len(sound) - 200} {
		for _, b := range []byte{0, 0x7f, 0xff} {
			bad := bytes.Clone(sound)
			bad[at] = b
			f.Add(bad)
		}
		f.Add(sound[:at])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ReadMetadata(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, key := range file.Keys {
			_, _ = file.Text(key, 1<<20)
			_, _ = file.Number(key)
		}
		if file.ReadTensors() != nil {
			return
		}
		_, _ = file.Checksums()
		end := int64(0)
		for _, tensor := range file.Tensors {
			if tensor.Offset < end || tensor.Bytes <= 0 || tensor.Bytes > int64(len(data))-tensor.Offset {
				t.Fatalf("tensor %+v after byte %d of a file of %d", tensor, end, len(data))
			}
			end = tensor.Offset + tensor.Bytes
		}
	})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
