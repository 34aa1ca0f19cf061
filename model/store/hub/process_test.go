package hub

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const asChild = "MUNINN_TEST_FETCH"

// TestMain has the test binary fetch the model of a hub where a test started it for that.
func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	c, err := New(func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err == nil {
		_, err = fetch(context.Background(), c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is a process that fetches the hub's model into a cache.
func (h *lookalike) child(t *testing.T, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd, said := exec.Command(self), &bytes.Buffer{}
	cmd.Env = append(os.Environ(), asChild+"=1", "HF_ENDPOINT="+h.URL, "HF_HUB_CACHE="+dir, "HF_HUB_OFFLINE=", "HF_TOKEN="+secret)
	cmd.Stderr = said
	h.mu.Lock() // what the test has set is seen by what answers another process
	defer h.mu.Unlock()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said
}

// A process that is killed leaves nothing under a final name that is not right, and the next one goes on from what it left.
func TestKilled(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	h.serve = func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("Range") == "" && stall(h, w, r)
	}
	repo := &Repo{Name: model}
	cmd, _ := h.child(t, c.Cache.Dir)
	for c.begun(repo, File{Blob: sum(h.files[large])}) < 5000 {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	h.sound(t, c.Cache.Folder(model.Repo), false)
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	if ranges, _ := h.seen(); ranges[len(ranges)-1] != "bytes=5000-" {
		t.Errorf("asked for %v", ranges)
	}
}

// Of two processes one fetches a file, the other waits for it.
func TestTwoProcesses(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	both := make(chan struct{})
	h.serve = func(w http.ResponseWriter, r *http.Request) bool {
		<-both // the second one has come to the lock, or to here
		return false
	}
	first, said := h.child(t, c.Cache.Dir)
	for c.begun(&Repo{Name: model}, File{Blob: sum(h.files[large])}) == 0 && !whole(c.Cache.blob(model.Repo, sum(h.files[large]))+incomplete, 0) {
		time.Sleep(time.Millisecond)
	}
	waits := make(chan struct{})
	c.Note = func(format string, args ...any) {
		if strings.HasPrefix(format, "another process fetches") && args[0] == large {
			close(waits)
		}
	}
	go func() { <-waits; close(both) }()
	dir, err := fetch(t.Context(), c)
	h.right(t, dir, err)
	err = first.Wait()
	if ranges, sent := h.seen(); err != nil || len(ranges) != 1 || sent != 300_000 {
		t.Errorf("%v; requests %v, %d bytes sent; %s", err, ranges, sent, said)
	}
}

// Several fetches in one process share what comes, too.
func TestTwoClients(t *testing.T) {
	h := lookLike(t, 300_000)
	c, _ := h.client(t)
	results := make(chan error)
	for range 3 {
		go func() {
			_, err := fetch(t.Context(), c)
			results <- err
		}()
	}
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	h.right(t, filepath.Join(c.Cache.Folder(model.Repo), "snapshots", commit), nil)
	if _, sent := h.seen(); sent != 300_000 {
		t.Errorf("%d bytes sent", sent)
	}
}

// A proxy of the environment is used, for a hub that it alone can reach.
func TestProxy(t *testing.T) {
	h := lookLike(t, 10_000)
	c, _ := h.client(t)
	through := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		through++
		h.mu.Unlock()
		h.near(w, r)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	name := h.URL
	h.URL = "http://hub.invalid"
	cmd, said := h.child(t, c.Cache.Dir)
	h.URL = name
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	h.right(t, filepath.Join(c.Cache.Folder(model.Repo), "snapshots", commit), nil)
	if h.mu.Lock(); through < 4 { // the list and three files
		t.Errorf("%d requests came through the proxy", through)
	}
	h.mu.Unlock()
}
