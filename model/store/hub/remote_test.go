package hub

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// Files are read without being fetched: small ones whole and checked, others by the parts that are asked for.
func TestRemote(t *testing.T) {
	h := lookLike(t, 1_000_000)
	c, _ := h.client(t)
	r, err := c.Repo(t.Context(), model)
	if err != nil {
		t.Fatal(err)
	}
	files := c.FS(t.Context(), r, func(path string) bool { return path != large })
	if text, err := fs.ReadFile(files, "config.json"); err != nil || string(text) != `{"a": 1}` {
		t.Errorf("%s, %v", text, err)
	}
	f, err := files.Open(large)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil || info.Size() != 1_000_000 || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	at := f.(io.ReaderAt)
	for _, part := range [][2]int64{{0, 8}, {8, 5000}, {100, 262_000}, {900_000, 100_000}, {999_999, 1}, {300_000, 400_000}} {
		p := make([]byte, part[1])
		if n, err := at.ReadAt(p, part[0]); n != len(p) || err != nil && err != io.EOF || !bytes.Equal(p, h.files[large][part[0]:part[0]+part[1]]) {
			t.Errorf("%v: %d bytes, %v", part, n, err)
		}
	}
	if n, err := at.ReadAt(make([]byte, 10), 999_995); n != 5 || err != io.EOF {
		t.Errorf("past the end: %d, %v", n, err)
	}
	want := []string{"bytes=0-262143", "bytes=900000-999999", "bytes=300000-699999", "bytes=999995-999999"}
	if ranges, _ := h.seen(); !slices.Equal(ranges, want) {
		t.Errorf("asked for %v", ranges)
	}
	if _, err := fs.Stat(files, "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if left, err := os.ReadDir(c.Cache.Dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// What a server sends in the place of what was asked for is seen.
func TestRemoteFaults(t *testing.T) {
	h := lookLike(t, 1_000_000)
	c, _ := h.client(t)
	r, err := c.Repo(t.Context(), model)
	if err != nil {
		t.Fatal(err)
	}
	h.files["config.json"] = []byte(`{"a": 2}`)
	config, _ := r.File("config.json")
	if _, err := c.ReadFile(t.Context(), r, config); !errors.Is(err, ErrHub) || !strings.Contains(err.Error(), "not what the hub names") {
		t.Error(err)
	}
	for _, other := range []string{"", "bytes=5-262148"} {
		h.serve = func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Set("Range", other)
			return false
		}
		f, err := c.FS(t.Context(), r, func(string) bool { return false }).Open(large)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.(io.ReaderAt).ReadAt(make([]byte, 8), 0); !errors.Is(err, ErrHub) || !strings.Contains(err.Error(), "does not send the part of "+large) {
			t.Errorf("%q: %v", other, err)
		}
	}
}
