package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commit = "0123456789abcdef0123456789abcdef01234567"
	large  = "model.safetensors"
	secret = "hf_secret"
)

var model = Name{Repo: "org/model"}

// lookalike is a hub with one model, whose large files are on another host, as they are on the real one.
type lookalike struct {
	*httptest.Server
	elsewhere *httptest.Server
	files     map[string][]byte
	listing   map[string]any // what the hub says of itself

	// api and serve answer instead, where they return true: the list of files, or a file on the host that has it.
	api, resolve, serve func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	ranges   []string // asked for of the large file; "" for all of it
	tokens   map[string]bool
	etag     string // of the large file
	sent     int64  // bytes of it
	leftOver bool   // the token came to elsewhere
}

func lookLike(t *testing.T, size int) *lookalike {
	t.Helper()
	data := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	source.Read(data)
	h := &lookalike{files: map[string][]byte{"config.json": []byte(`{"a": 1}`), "tokenizer.json": []byte("{}"), large: data}, tokens: map[string]bool{}, etag: `"one"`}
	h.elsewhere = httptest.NewServer(http.HandlerFunc(h.far))
	h.Server = httptest.NewServer(http.HandlerFunc(h.near))
	t.Cleanup(h.elsewhere.Close)
	t.Cleanup(h.Server.Close)
	var siblings []map[string]any
	for name, data := range h.files {
		s := map[string]any{"rfilename": name, "size": len(data), "blobId": gitSum(data)}
		if name == large {
			s["lfs"] = map[string]any{"sha256": sum(data), "size": len(data), "pointerSize": 135}
		}
		siblings = append(siblings, s)
	}
	h.listing = map[string]any{"sha": commit, "siblings": siblings}
	return h
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func gitSum(data []byte) string {
	s := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	return hex.EncodeToString(s[:])
}

// near is the hub's own host.
func (h *lookalike) near(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.tokens[r.Header.Get("Authorization")] = true
	h.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/api/models/org/model/revision/") {
		if h.api == nil || !h.api(w, r) {
			_ = json.NewEncoder(w).Encode(h.listing)
		}
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/org/model/resolve/"+commit+"/")
	data, known := h.files[name]
	switch {
	case h.resolve != nil && h.resolve(w, r):
	case !ok || !known:
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
	case name == large:
		http.Redirect(w, r, h.elsewhere.URL+"/large?signature=xyz", http.StatusFound)
	default:
		w.Header().Set("ETag", `"`+gitSum(data)+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// far is where the large file is.
func (h *lookalike) far(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.leftOver = h.leftOver || r.Header.Get("Authorization") != ""
	h.ranges = append(h.ranges, r.Header.Get("Range"))
	etag := h.etag
	h.mu.Unlock()
	w.Header().Set("ETag", etag)
	if h.serve == nil || !h.serve(w, r) {
		http.ServeContent(counted{w, h}, r, "", time.Time{}, bytes.NewReader(h.files[large]))
	}
}

// counted adds up what is sent.
type counted struct {
	http.ResponseWriter
	h *lookalike
}

func (c counted) Write(p []byte) (int, error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	c.h.sent += int64(len(p))
	return c.ResponseWriter.Write(p)
}

// seen is what was asked for of the large file, and how many bytes of it were sent.
func (h *lookalike) seen() ([]string, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ranges), h.sent
}

// cutAt sends what was asked for as far as so many bytes, and cuts the connection.
func (h *lookalike) cutAt(w http.ResponseWriter, r *http.Request, n int) {
	rec := httptest.NewRecorder()
	rec.Header().Set("ETag", w.Header().Get("ETag"))
	http.ServeContent(rec, r, "", time.Time{}, bytes.NewReader(h.files[large]))
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()[:min(n, rec.Body.Len())])
	_ = http.NewResponseController(w).Flush()
	if n < rec.Body.Len() {
		panic(http.ErrAbortHandler)
	}
}

// client is one of this hub with an empty cache, which does not wait between tries but notes how long it would have.
func (h *lookalike) client(t *testing.T) (*Client, *[]time.Duration) {
	t.Helper()
	return clientOf(t, h.URL, t.TempDir())
}

func clientOf(t *testing.T, endpoint, dir string) (*Client, *[]time.Duration) {
	t.Helper()
	for name, value := range map[string]string{"HF_ENDPOINT": endpoint + "/", "HF_TOKEN": secret, "HF_HUB_CACHE": dir, "HF_HUB_OFFLINE": "", "HTTPS_PROXY": "", "HTTP_PROXY": ""} {
		t.Setenv(name, value)
	}
	c, err := New(func(format string, args ...any) { t.Logf(format, args...) })
	if err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	var mu sync.Mutex
	c.sleep = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		waits = append(waits, d)
		return ctx.Err()
	}
	return c, &waits
}

// fetch gets everything there is.
func fetch(ctx context.Context, c *Client) (dir string, err error) {
	r, err := c.Repo(ctx, model)
	if err != nil {
		return "", err
	}
	return c.Fetch(ctx, r, r.Files, func(int64, int64) {})
}

// right fails the test unless the snapshot has the files as they are.
func (h *lookalike) right(t *testing.T, dir string, err error) {
	t.Helper()
	for name, want := range h.files {
		if got, e := os.ReadFile(filepath.Join(dir, name)); err != nil || e != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %v, %v, %d bytes", name, err, e, len(got))
		}
	}
	h.sound(t, filepath.Dir(filepath.Dir(dir)), true)
}

// sound fails the test where a file has the name of a blob and another content, or a file is half there where none may be.
func (h *lookalike) sound(t *testing.T, repo string, whole bool) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(repo, "blobs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		data, err := os.ReadFile(b)
		name := filepath.Base(b)
		if part := strings.HasSuffix(name, incomplete); err != nil || part && whole || !part && name != sum(data) && name != gitSum(data) {
			t.Errorf("%s: %v, checksum %s", b, err, sum(data))
		}
	}
}
