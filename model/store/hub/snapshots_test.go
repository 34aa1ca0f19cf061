package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// cacheOf makes a cache as the Python library leaves it: two commits of a model, which share a file, and what else it keeps.
func cacheOf(t *testing.T) Cache {
	t.Helper()
	c := Cache{filepath.Join(t.TempDir(), "hub")}
	repo := c.Folder("org/model")
	for path, text := range map[string]string{
		"blobs/shared": "12345", "blobs/old": "123", "blobs/new": "1234567", "blobs/half.0011aabb.incomplete": "1", "refs/main": "two", "refs/refs/pr/1": "one",
		"trees/two.json": "{}", ".no_exist/two/adapter_config.json": "", "../CACHEDIR.TAG": "", "../datasets--org--data/snapshots/one/x": "", "../.locks/models--org--model/old.lock": "",
	} {
		path = filepath.Join(repo, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for link, blob := range map[string]string{"one/config.json": "shared", "one/w": "old", "two/config.json": "shared", "two/w": "new"} {
		link = filepath.Join(repo, "snapshots", link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o700), os.Symlink("../../blobs/"+blob, link)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// A cache of the Python library is read as it is: branches, pull requests and commits lead to snapshots.
func TestSnapshots(t *testing.T) {
	c := cacheOf(t)
	for revision, want := range map[string]string{"": "two", "main": "two", "refs/pr/1": "one", "one": "one", "gone": "", "..": "", "../refs": ""} {
		got, err := c.Snapshot(Name{Repo: "org/model", Revision: revision})
		if want == "" && !errors.Is(err, fs.ErrNotExist) || want != "" && got != filepath.Join(c.Folder("org/model"), "snapshots", want) {
			t.Errorf("%q: %s, %v", revision, got, err)
		}
	}
	list, err := c.Models()
	if err != nil || len(list) != 2 || list[0].Name.Revision != "one" || !slices.Equal(list[0].Refs, []string{"refs/pr/1"}) || list[0].Size() != 8 || list[1].Size() != 12 {
		t.Errorf("%v, %v", list, err)
	}
}

// What goes takes with it what no other revision has, and with the last one everything of the model.
func TestRemove(t *testing.T) {
	c := cacheOf(t)
	repo := c.Folder("org/model")
	list, err := c.Models()
	if err != nil {
		t.Fatal(err)
	}
	freed, err := c.Remove(list[0])
	if got := names(t, filepath.Join(repo, "blobs")); err != nil || freed != 3 || !slices.Equal(got, []string{"half.0011aabb.incomplete", "new", "shared"}) {
		t.Errorf("freed %d, %v; left %v", freed, err, got)
	}
	if _, err := c.Snapshot(Name{Repo: "org/model", Revision: "refs/pr/1"}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if dir, err := c.Snapshot(Name{Repo: "org/model"}); err != nil || !whole(filepath.Join(dir, "config.json"), 5) {
		t.Error(err)
	}
	freed, err = c.Remove(list[1])
	if got := names(t, c.Dir); err != nil || freed != 13 || !slices.Equal(got, []string{".locks", "CACHEDIR.TAG", "datasets--org--data"}) || len(names(t, filepath.Join(c.Dir, ".locks"))) > 0 {
		t.Errorf("freed %d, %v; left %v", freed, err, got)
	}
}

// Links that lead out of the cache are followed by nothing that removes.
func TestRemoveStaysInside(t *testing.T) {
	for _, trap := range []func(repo, outside string) error{
		func(repo, outside string) error { // the model's folder is elsewhere
			return errors.Join(os.Rename(repo, outside+"/repo"), os.Symlink(outside+"/repo", repo))
		},
		func(repo, outside string) error { // its blobs are
			return errors.Join(os.Rename(repo+"/blobs", outside+"/blobs"), os.Symlink(outside+"/blobs", repo+"/blobs"))
		},
		func(repo, outside string) error { // its snapshots are
			return errors.Join(os.Rename(repo+"/snapshots", outside+"/snapshots"), os.Symlink(outside+"/snapshots", repo+"/snapshots"))
		},
		func(repo, outside string) error { // a file in a snapshot is a link to somebody's file
			return os.Symlink(outside+"/mine", repo+"/snapshots/one/mine")
		},
	} {
		c, outside := cacheOf(t), t.TempDir()
		if err := os.WriteFile(outside+"/mine", []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := trap(c.Folder("org/model"), outside); err != nil {
			t.Fatal(err)
		}
		before := tree(t, outside)
		list, err := c.Models()
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range list {
			_, _ = c.Remove(h) // an error or not
		}
		if after := tree(t, outside); !slices.Equal(before, after) || len(before) < 2 {
			t.Errorf("outside was %v, is %v", before, after)
		}
	}
}

func tree(t *testing.T, dir string) (list []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		list = append(list, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return list
}
