//go:build unix

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/model/demo"
)

// cacheHub makes a hub cache with the model raven/small, whose revision abc is the demo model, and returns the hub folder.
func cacheHub(t *testing.T, ref string) string {
	t.Helper()
	hub := filepath.Join(t.TempDir(), "hub")
	repo := filepath.Join(hub, "models--raven--small")
	blobs, snapshot := filepath.Join(repo, "blobs"), filepath.Join(repo, "snapshots", "abc")
	if err := errors.Join(os.MkdirAll(snapshot, 0o700), os.CopyFS(blobs, demo.Files)); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(blobs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if err := os.Symlink("../../blobs/"+f.Name(), filepath.Join(snapshot, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if ref != "" {
		if err := errors.Join(os.Mkdir(filepath.Join(repo, "refs"), 0o700), os.WriteFile(filepath.Join(repo, "refs", "main"), []byte(ref), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return hub
}

// A model of a hub cache is found by its name, wherever the cache is, and by its folder.
func TestHubCache(t *testing.T) {
	for _, v := range []string{"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"} {
		t.Setenv(v, "")
	}
	t.Chdir(t.TempDir())
	hub := cacheHub(t, "abc\n")
	refuses(t, "raven/small", "raven/small is neither a folder nor a complete model in the hub cache ")
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := errors.Join(os.MkdirAll(filepath.Join(home, ".cache"), 0o700), os.Symlink(filepath.Dir(hub), filepath.Join(home, ".cache", "huggingface"))); err != nil {
		t.Fatal(err)
	}
	opens(t, "raven/small")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	refuses(t, "raven/small", "hub cache")
	t.Setenv("HF_HOME", filepath.Dir(hub))
	opens(t, "raven/small")
	t.Setenv("HF_HUB_CACHE", cacheHub(t, ""))
	opens(t, "raven/small")
	t.Setenv("HF_HOME", "")
	opens(t, "raven/small")
	opens(t, filepath.Join(hub, "models--raven--small"))
	if err := os.Symlink(filepath.Join(hub, "models--raven--small"), "link"); err != nil {
		t.Fatal(err)
	}
	opens(t, "link")
	// A folder of that name comes first.
	if err := os.MkdirAll("raven/small", 0o700); err != nil {
		t.Fatal(err)
	}
	refuses(t, "raven/small", "config.json")
}

// A reference is a name in snapshots and nothing else.
func TestHubReferences(t *testing.T) {
	for _, ref := range []string{"gone", "../../..", "/etc", ".", "..", "\n", "abc/../abc", strings.Repeat("x", 1<<16)} {
		refuses(t, filepath.Join(cacheHub(t, ref), "models--raven--small"), "has 1 snapshots and refs/main names none of them")
	}
	for _, ref := range []string{"", "abc", "abc\n", "abc\r\n"} {
		opens(t, filepath.Join(cacheHub(t, ref), "models--raven--small"))
	}
	two := filepath.Join(cacheHub(t, ""), "models--raven--small")
	if err := os.Mkdir(filepath.Join(two, "snapshots", "def"), 0o700); err != nil {
		t.Fatal(err)
	}
	refuses(t, two, "has 2 snapshots")
}

// A model's name does not depend on where in a hub cache it was found.
func TestName(t *testing.T) {
	for path, want := range map[string]string{
		"demo": "demo", "/a/b": "b", "/a/b/": "b", "b.gguf": "b", "tomg/huginn": "huginn", "/m/\xff": "?",
		"/hub/models--tomg--huginn--0125": "huginn--0125", "/hub/models--tomg--huginn/snapshots/0123": "huginn",
	} {
		if got := Name(path); got != want {
			t.Errorf("%q is named %q, want %q", path, got, want)
		}
	}
}
