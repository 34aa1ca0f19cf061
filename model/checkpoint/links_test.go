//go:build unix

package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/model/arch"
)

// linked makes a folder in which every file of the sound checkpoint is a link to another place.
func linked(t *testing.T) (folder, target string) {
	t.Helper()
	target, folder = soundT(t), filepath.Join(t.TempDir(), "folder")
	entries, err := os.ReadDir(target)
	if err := errors.Join(err, os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(target, e.Name()), filepath.Join(folder, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return folder, target
}

func linkT(t *testing.T, target, name string) string {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// Folders of links, links to folders and links to those are as good as the folder.
func TestLinkedFolders(t *testing.T) {
	folder, _ := linked(t)
	dir := t.TempDir()
	whole := linkT(t, soundT(t), filepath.Join(dir, "a"))
	again := linkT(t, "a", filepath.Join(dir, "b"))
	links := linkT(t, folder, filepath.Join(dir, "c"))
	// A mounted volume: data is a link that is exchanged, and every file is a link into it.
	volume := t.TempDir()
	if err := os.Mkdir(filepath.Join(volume, "..2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := soundIn(filepath.Join(volume, "..2026")); err != nil {
		t.Fatal(err)
	}
	linkT(t, "..2026", filepath.Join(volume, "..data"))
	for _, name := range []string{arch.FileConfig, fileSingle} {
		linkT(t, "..data/"+name, filepath.Join(volume, name))
	}
	// A snapshot of a hub cache on another disk, by a link to it.
	repo := filepath.Join(t.TempDir(), "models--org--name")
	snapshot, blobs := filepath.Join(repo, "snapshots", "abc"), filepath.Join(repo, "blobs")
	if err := errors.Join(os.MkdirAll(snapshot, 0o700), os.MkdirAll(blobs, 0o700), soundIn(blobs)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{arch.FileConfig, fileSingle} {
		linkT(t, "../../blobs/"+name, filepath.Join(snapshot, name))
	}
	hub := linkT(t, snapshot, filepath.Join(dir, "d"))
	for _, path := range []string{folder, whole, again, links, volume, hub} {
		if got := readAll(t, openT(t, path), arch.NameNorm); got[0] != 0.5 {
			t.Errorf("%s: ln_f[0] = %v, want 0.5", path, got[0])
		}
	}
	// A border around the folder lets the last three through: their links stay within it.
	for path, ok := range map[string]bool{folder: false, volume: true, snapshot: true} {
		fsys, root, err := openInside(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := OpenFS(fsys)
		if (err == nil) != ok {
			t.Errorf("%s, links kept inside: %v", path, err)
		}
		if err == nil {
			c.Close()
		}
		root.Close()
	}
}

// In a folder of somebody else links that leave it are refused by name and target.
func TestLinksOfOthers(t *testing.T) {
	folder, target := linked(t)
	if os.Geteuid() == 0 {
		if err := os.Chown(folder, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFolder(folder)
		want := "config.json: a link to " + filepath.Join(target, arch.FileConfig) + ": path escapes from parent"
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	fsys, root, err := openInside(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, _, err := openRegular(fsys, fileSingle); err == nil || !strings.Contains(err.Error(), "a link to "+filepath.Join(target, fileSingle)+": ") {
		t.Errorf("%v", err)
	}
}

// A link to nothing is said to be one, also where the file may be missing.
func TestDanglingLinks(t *testing.T) {
	for _, name := range []string{arch.FileConfig, fileSingle, arch.FileGeneration, fileTokenizer} {
		dir := soundT(t)
		path := filepath.Join(dir, name)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		linkT(t, "../blobs/0123", path)
		c, err := OpenFolder(dir)
		if err == nil {
			_, err = c.TokenizerJSON()
			c.Close()
		}
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), name+": a link to ../blobs/0123, which is not there") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A good file is used, whatever an index beside it says.
func TestStaleIndex(t *testing.T) {
	dir := soundT(t)
	if err := os.WriteFile(filepath.Join(dir, fileIndex), []byte(`{"weight_map":{"old":"../model-00001-of-00002.safetensors"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	openT(t, dir)
}

// A hub download that did not end leaves its part among the blobs.
func TestUnfinishedHubDownload(t *testing.T) {
	repo := filepath.Join(t.TempDir(), "models--org--name")
	snapshot, blobs := filepath.Join(repo, "snapshots", "abc"), filepath.Join(repo, "blobs")
	if err := errors.Join(os.MkdirAll(snapshot, 0o700), os.MkdirAll(blobs, 0o700), os.WriteFile(filepath.Join(blobs, "0123.incomplete"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPath(snapshot); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "there is 0123.incomplete: a download that did not end") {
		t.Error(err)
	}
}
