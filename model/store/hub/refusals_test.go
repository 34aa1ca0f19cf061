package hub

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Every way in which a hub refuses has a sentence that says what to do, and none has the token.
func TestRefusals(t *testing.T) {
	for _, f := range []struct {
		status            int
		code, token, want string
	}{
		{401, "RepoNotFound", "", "there is no model org/model on HOST for everybody (401 Unauthorized): check the name; for a private or gated one set HF_TOKEN"},
		{401, "RepoNotFound", secret, "the hub does not take the token for org/model (401 Unauthorized): check the name, and the token in HF_TOKEN"},
		{401, "GatedRepo", "", "org/model is gated (401 Unauthorized): accept its conditions at http://HOST/org/model, then set HF_TOKEN"},
		{403, "GatedRepo", secret, "org/model may not be read with this token (403 Forbidden): where it is gated, accept its conditions at http://HOST/org/model"},
		{403, "Other", secret, `the hub refuses org/model (403 Forbidden): not \u202e today`},
		{404, "RepoNotFound", secret, "there is no model org/model on HOST (404 Not Found); check the name"},
		{404, "RevisionNotFound", secret, "org/model has no revision main (404 Not Found); http://HOST/org/model/tree/main lists"},
		{404, "EntryNotFound", secret, "org/model has no file "},
		{407, "", secret, "the proxy wants a name and a password"},
		{416, "", secret, "the server has fewer bytes than the hub names (416"},
		{418, "", secret, "org/model: an answer that means nothing here (418"},
		{429, "", secret, "too many requests (429 Too Many Requests), to be tried again in 1h0m0s; with a token in HF_TOKEN the hub allows more; given up for now"},
		{500, "", secret, "the hub is in trouble (500 Internal Server Error); given up for now"},
	} {
		h := lookLike(t, 1000)
		c, waits := h.client(t)
		c.Token = f.token
		var asked atomic.Int32
		refuse := func(w http.ResponseWriter, r *http.Request) bool {
			asked.Add(1)
			w.Header().Set("X-Error-Code", f.code)
			w.Header().Set("X-Error-Message", "not \u202e today")
			if f.status == 429 {
				w.Header().Set("Retry-After", "3600")
			}
			w.WriteHeader(f.status)
			return true
		}
		if h.api = refuse; f.code == "EntryNotFound" || f.status == 416 {
			h.api, h.resolve = nil, refuse
		}
		_, err := fetch(t.Context(), c)
		want := strings.ReplaceAll(f.want, "HOST", strings.TrimPrefix(h.URL, "http://"))
		if !errors.Is(err, ErrHub) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%d %s: %v\nwant %s", f.status, f.code, err, want)
		}
		if again := f.status == 500; again != (len(*waits) > 0) || again != (asked.Load() == tries) {
			t.Errorf("%d: %d requests, waits %v", f.status, asked.Load(), *waits)
		}
	}
}

// A hub that asks for patience gets it, in seconds or until a date.
func TestRetryAfter(t *testing.T) {
	h := lookLike(t, 1000)
	c, waits := h.client(t)
	asks := []string{"7", time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}
	h.api = func(w http.ResponseWriter, r *http.Request) bool {
		if len(asks) == 0 {
			return false
		}
		w.Header().Set("Retry-After", asks[0])
		asks = asks[1:]
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	if w := *waits; len(w) != 2 || w[0] != 7*time.Second || w[1] < 80*time.Second || w[1] > 90*time.Second {
		t.Errorf("waited %v", w)
	}
}

// No way to the hub, or one that cannot be trusted.
func TestUnreached(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	strange := httptest.NewTLSServer(nil)
	defer strange.Close()
	strange.Config.ErrorLog = nil
	plainOne := httptest.NewServer(nil)
	defer plainOne.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("<html>log in")) }))
	defer page.Close()
	for endpoint, want := range map[string]string{
		gone.URL:    "cannot be reached (dial tcp",
		strange.URL: "is not trusted (",
		page.URL:    "is no list of files: is it a hub, or a login page",
		strings.Replace(plainOne.URL, "http:", "https:", 1): "does not speak TLS: is a proxy",
	} {
		c, _ := clientOf(t, endpoint, t.TempDir())
		_, err := c.Repo(t.Context(), model)
		if !errors.Is(err, ErrHub) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", endpoint, err, want)
		}
	}
	h := lookLike(t, 10)
	c, _ := h.client(t)
	c.Offline = true
	if _, err := c.Repo(t.Context(), model); !errors.Is(err, ErrHub) || len(h.tokens) != 0 {
		t.Errorf("offline: %v", err)
	}
	for _, address := range []string{"ftp://x", "huggingface.co", "http://"} {
		t.Setenv("HF_ENDPOINT", address)
		if _, err := New(nil); !errors.Is(err, ErrHub) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The token goes to the hub's own address alone, wherever that sends on to, and an encrypted connection leads to no other kind.
func TestTokenStays(t *testing.T) {
	h := lookLike(t, 1000)
	c, _ := h.client(t)
	there := 0
	h.serve = func(w http.ResponseWriter, r *http.Request) bool {
		if there++; there == 1 {
			http.Redirect(w, r, "http://localhost:"+strings.Split(h.elsewhere.URL, ":")[2]+"/large", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	if h.leftOver || there != 2 || !h.tokens["Bearer "+secret] || len(h.tokens) != 1 {
		t.Errorf("the token came elsewhere: %v; %d requests there; %v", h.leftOver, there, h.tokens)
	}
	down := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, h.URL+r.URL.Path, http.StatusFound) }))
	defer down.Close()
	d, _ := clientOf(t, down.URL, t.TempDir())
	d.http.Transport.(*private).next = down.Client().Transport
	if _, err := d.Repo(t.Context(), model); err == nil || !strings.Contains(err.Error(), "which is not encrypted") {
		t.Error(err)
	}
}

// Names and checksums that could lead out of the cache are refused, before anything is written.
func TestHostileListing(t *testing.T) {
	fine := sum(nil)
	for _, f := range []map[string]any{
		{"rfilename": "../../../x", "size": 0, "blobId": fine}, {"rfilename": "/etc/x", "size": 0, "blobId": fine}, {"rfilename": `..\x`, "size": 0, "blobId": fine},
		{"rfilename": "c:x", "size": 0, "blobId": fine}, {"rfilename": "NUL.txt", "size": 0, "blobId": fine}, {"rfilename": "a/./b", "size": 0, "blobId": fine},
		{"rfilename": "a\x00b", "size": 0, "blobId": fine}, {"rfilename": "x.", "size": 0, "blobId": fine}, {"rfilename": "", "size": 0, "blobId": fine},
		{"rfilename": strings.Repeat("x", 256), "size": 0, "blobId": fine}, {"rfilename": "x", "size": 0, "blobId": "../../x"}, {"rfilename": "x", "size": 0},
		{"rfilename": "x", "blobId": fine}, {"rfilename": "x", "size": -1, "blobId": fine}, {"rfilename": "x", "size": 0, "blobId": strings.ToUpper(fine)},
	} {
		h := lookLike(t, 10)
		c, _ := h.client(t)
		h.listing["siblings"] = []any{f}
		if _, err := fetch(t.Context(), c); !errors.Is(err, ErrHub) || !strings.Contains(err.Error(), "nothing is fetched") {
			t.Errorf("%v: %v", f, err)
		}
		if left, _ := os.ReadDir(c.Cache.Dir); len(left) > 0 {
			t.Errorf("%v: left %v", f, left)
		}
	}
	for _, sha := range []string{"", "../../x", strings.Repeat("0", 39), "main"} {
		h := lookLike(t, 10)
		c, _ := h.client(t)
		h.listing["sha"] = sha
		if _, err := fetch(t.Context(), c); !errors.Is(err, ErrHub) {
			t.Errorf("%q: %v", sha, err)
		}
	}
}

func TestParseName(t *testing.T) {
	for text, want := range map[string]Name{
		"a/b": {"a/b", "", ""}, "a/b@main": {"a/b", "main", ""}, "a/b@refs/pr/1": {"a/b", "refs/pr/1", ""}, "a/b.c-d_e@" + commit: {"a/b.c-d_e", commit, ""},
		"a/b:c.gguf": {"a/b", "", "c.gguf"}, "a/b@main:c-Q4.gguf": {"a/b", "main", "c-Q4.gguf"},
	} {
		if got, ok := ParseName(text); !ok || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "a", "a/b/c", "./a", "../a", "/a/b", "a/..", "a/b@", "a/b@..", "a/b@../x", "a/b@/x", "a/b@x//y", "a--b/c", "a/b@c:d", "a\\b/c", "a/b:", "a/b:r8", "a/b:../c.gguf", "a/b:c/d.gguf", "a/b:.gguf:x.gguf"} {
		if got, ok := ParseName(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// Where the cache and the token are.
func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HF_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", dir)
	at := func(want ...string) {
		t.Helper()
		c, err := New(nil)
		if got := []string{c.Cache.Dir, c.Token}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	put := func(path, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	at(filepath.Join(dir, ".cache/huggingface/hub"), "")
	put(filepath.Join(dir, ".cache/huggingface/token"), "one\n")
	at(filepath.Join(dir, ".cache/huggingface/hub"), "one")
	t.Setenv("HF_HOME", "~/hf")
	put(filepath.Join(dir, "hf/token"), "two")
	at(filepath.Join(dir, "hf/hub"), "two")
	t.Setenv("HF_HUB_CACHE", "$HOME/cache")
	t.Setenv("HF_TOKEN_PATH", filepath.Join(dir, ".cache/huggingface/token"))
	at(filepath.Join(dir, "cache"), "one")
	t.Setenv("HF_TOKEN", " three ")
	at(filepath.Join(dir, "cache"), "three")
	t.Setenv("HF_TOKEN", "three\r\nHost: x")
	if _, err := New(nil); err == nil || strings.Contains(err.Error(), "three") {
		t.Error(err)
	}
}

// What keeps a request from its answer is said in words, and what may pass is tried again.
func TestUnreachedWords(t *testing.T) {
	for _, c := range []struct {
		err   error
		again bool
		want  string
	}{
		{&net.DNSError{Err: "no such host", Name: "hub.test"}, true, "the address of hub.test cannot be found (no such host): is there a network?"},
		{&net.OpError{Op: "proxyconnect", Err: errors.New("Proxy Authentication Required")}, true, "the proxy does not lead on (Proxy Authentication Required): check HTTPS_PROXY"},
		{os.ErrDeadlineExceeded, true, "hub.test does not go on sending"},
		{io.ErrUnexpectedEOF, true, "hub.test cut the connection"},
		{x509.UnknownAuthorityError{}, false, "the certificate of hub.test is not trusted (x509: certificate signed by unknown authority)"},
		{errors.New("odd\n\u202e"), true, `hub.test cannot be reached (odd\n\u202e)`},
	} {
		p := unreached(t.Context(), "x", &url.Error{Op: "Get", URL: "https://hub.test/a?signature=secret", Err: c.err})
		if !strings.Contains(p.Error(), c.want) || strings.Contains(p.Error(), "secret") || p.again != c.again || !errors.Is(p, ErrHub) {
			t.Errorf("%v: %v, again %v", c.err, p, p.again)
		}
	}
}
