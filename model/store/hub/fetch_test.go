package hub

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A model is laid out as the Python library has it: blobs by checksum, relative links, the ref, locks. What is there is not fetched again.
func TestLayout(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	var done, total int64
	r, err := c.Repo(t.Context(), model)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := c.Fetch(t.Context(), r, r.Files, func(d, n int64) { done, total = d, n })
	h.right(t, dir, err)
	repo := filepath.Join(c.Cache.Dir, "models--org--model")
	if want := int64(300_000 + 8 + 2); dir != filepath.Join(repo, "snapshots", commit) || done != want || total != want {
		t.Errorf("%s, %d of %d bytes", dir, done, total)
	}
	for name, sum := range map[string]string{large: sum(h.files[large]), "config.json": gitSum(h.files["config.json"])} {
		if to, err := os.Readlink(filepath.Join(dir, name)); err != nil || filepath.ToSlash(to) != "../../blobs/"+sum {
			t.Errorf("%s links to %s, %v", name, to, err)
		}
		if _, err := os.Stat(filepath.Join(c.Cache.Dir, ".locks", "models--org--model", sum+".lock")); err != nil {
			t.Error(err)
		}
	}
	if ref, err := os.ReadFile(filepath.Join(repo, "refs", "main")); string(ref) != commit {
		t.Errorf("ref %q, %v", ref, err)
	}
	if !h.tokens["Bearer "+secret] || h.leftOver {
		t.Errorf("tokens at the hub: %v; at the other host: %v", h.tokens, h.leftOver)
	}
	h.serve = func(http.ResponseWriter, *http.Request) bool { t.Error("fetched again"); return false }
	if again, err := fetch(t.Context(), c); again != dir || err != nil || c.Left(r, r.Files) != 0 {
		t.Errorf("again: %s, %v", again, err)
	}
}

// However often a connection breaks, what has come is kept, and the rest asked for.
func TestCutConnections(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	cuts := 0
	h.serve = func(w http.ResponseWriter, r *http.Request) bool {
		if cuts++; cuts > 50 {
			return false
		}
		h.cutAt(w, r, 1+rand.IntN(9000))
		return true
	}
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	if ranges, _ := h.seen(); len(ranges) < 35 || slices.Contains(ranges[1:], "") {
		t.Errorf("%d requests; ranges %v", len(ranges), ranges)
	}
}

// Whatever a server does, the right file comes, or an error that says what was wrong and no file of another content.
func TestFaults(t *testing.T) {
	const size = 200_000
	fails := func(status int) func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
		return func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			w.WriteHeader(status)
			return true
		}
	}
	for what, f := range map[string]struct {
		serve func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool // n: of this request, from 0
		want  string                                                                 // in the error; "" where the file is to come
	}{
		"wrong once": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			return n == 0 && wrong(w, size)
		}, ""},
		"wrong always": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool { return wrong(w, size) }, "what came is not what the hub names, twice"},
		"range ignored": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			r.Header.Del("Range")
			if n == 0 {
				h.cutAt(w, r, 70_000)
			}
			return false
		}, ""},
		"another range": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				h.cutAt(w, r, 70_000)
			}
			r.Header.Set("Range", "bytes=60000-")
			h.cutAt(w, r, size)
			return true
		}, "an answer that means nothing here (206 Partial Content from "},
		"another range once": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				h.cutAt(w, r, 70_000)
			}
			if n == 1 {
				r.Header.Set("Range", "bytes=60000-")
			}
			return false
		}, ""},
		"no rest": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				h.cutAt(w, r, 70_000)
			}
			return r.Header.Get("Range") != "" && fails(http.StatusRequestedRangeNotSatisfiable)(h, w, r, n)
		}, ""},
		"changed midway": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				h.mu.Lock()
				h.etag = `"two"`
				h.mu.Unlock()
				h.cutAt(w, r, 70_000)
			}
			if r.Header.Get("If-Range") != `"one"` && n == 1 {
				t.Errorf("If-Range %q", r.Header.Get("If-Range"))
			}
			return false
		}, ""},
		"gzip": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			w.Header().Set("Content-Encoding", "gzip")
			return wrong(w, 1000)
		}, "packed as gzip"},
		"a page": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool { return wrong(w, 1000) }, "sends 1000 bytes, where 200000 are left"},
		"more":   {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool { return wrong(w, size+1) }, "what came is not what the hub names"},
		"slow":   {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool { return n < 2 && stall(h, w, r) }, ""},
		"in trouble": {func(h *lookalike, w http.ResponseWriter, r *http.Request, n int) bool {
			return n < 4 && fails(503)(h, w, r, n)
		}, ""},
		"down":      {fails(502), "the hub is in trouble (502 Bad Gateway from "},
		"forbidden": {fails(403), "may not be read with this token (403 Forbidden from "},
	} {
		t.Run(what, func(t *testing.T) {
			h := lookLike(t, size)
			c, _ := h.client(t)
			if what == "slow" {
				c.stall = 200 * time.Millisecond
			}
			n := -1
			h.serve = func(w http.ResponseWriter, r *http.Request) bool { n++; return f.serve(h, w, r, n) }
			dir, err := fetch(t.Context(), c)
			if f.want == "" {
				h.right(t, dir, err)
				return
			}
			if !errors.Is(err, ErrHub) || !strings.Contains(err.Error(), f.want) || strings.Contains(err.Error(), "xyz") {
				t.Errorf("%v, want %q", err, f.want)
			}
			h.sound(t, filepath.Join(c.Cache.Dir, "models--org--model"), false)
			if _, err := os.Stat(filepath.Join(c.Cache.Dir, "models--org--model", "refs")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a ref to what is not there: %v", err)
			}
		})
	}
}

// wrong sends so many bytes that are not the file's.
func wrong(w http.ResponseWriter, n int) bool {
	_, _ = w.Write(make([]byte, n))
	return true
}

// stall sends a little and then nothing for as long as the client waits.
func stall(h *lookalike, w http.ResponseWriter, r *http.Request) bool {
	rec := httptest.NewRecorder()
	http.ServeContent(rec, r, "", time.Time{}, strings.NewReader(string(h.files[large])))
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()[:5000])
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
	return true
}

// An interrupt keeps what has come.
func TestInterrupt(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	h.serve = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "" {
			go func() {
				for c.begun(&Repo{Name: model}, File{Blob: sum(h.files[large])}) < 5000 { // all that stall sends
					time.Sleep(time.Millisecond)
				}
				cancel(stopped)
			}()
			return stall(h, w, r)
		}
		return false
	}
	if _, err := fetch(ctx, c); err != stopped {
		t.Fatal(err)
	}
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	if ranges, _ := h.seen(); !slices.Equal(ranges, []string{"", "bytes=5000-"}) {
		t.Errorf("asked for %v", ranges)
	}
}

// A full disk: said before anything comes where it can be known, and else what came is kept.
func TestDiskFull(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	huge := &Repo{Name: model, Commit: commit, Files: []File{{Path: large, Size: 1 << 60, Blob: sum(nil)}}}
	if _, err := c.Fetch(t.Context(), huge, huge.Files, func(int64, int64) {}); err == nil || !strings.Contains(err.Error(), "GB free, and org/model needs 1152921504.607 GB more") {
		t.Error(err)
	}
	var room atomic.Int64
	room.Store(100_000)
	c.store = func(f *os.File, p []byte) error {
		if room.Add(-int64(len(p))) < 0 {
			return &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return write(f, p)
	}
	if _, err := fetch(t.Context(), c); !errors.Is(err, syscall.ENOSPC) || errors.Is(err, ErrHub) || !strings.Contains(err.Error(), "is kept") {
		t.Error(err)
	}
	room.Store(1 << 30)
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
}

// Where there can be no links, the snapshot has the files themselves.
func TestWithoutLinks(t *testing.T) {
	h := lookLike(t, 10_000)
	c, _ := h.client(t)
	c.symlink = func(string, string) error { return syscall.EPERM }
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	if info, err := os.Lstat(filepath.Join(dir, large)); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	copied := filepath.Join(dir, "copy")
	if err := copyFile(filepath.Join(dir, large), copied); err != nil || !whole(copied, 10_000) {
		t.Error(err)
	}
}
