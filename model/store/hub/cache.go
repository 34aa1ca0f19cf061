package hub

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Cache is a folder in which the hub's tools keep models. For each there is models--ORG--NAME with
//
//	blobs/CHECKSUM           the files' bytes; CHECKSUM.incomplete while they come
//	snapshots/COMMIT/PATH    links to blobs, or copies where links cannot be
//	refs/REVISION            the commit that a branch or tag stood for
//
// and .locks/models--ORG--NAME/CHECKSUM.lock is held by who fetches a blob.
type Cache struct{ Dir string }

const repoPrefix = "models--"

func folder(repo string) string { return repoPrefix + strings.ReplaceAll(repo, "/", "--") }

// Folder is where the cache keeps a model, whether it does or not.
func (c Cache) Folder(repo string) string { return filepath.Join(c.Dir, folder(repo)) }

func (c Cache) blob(repo, checksum string) string {
	return filepath.Join(c.Folder(repo), "blobs", checksum)
}

func (c Cache) lock(repo, checksum string) string {
	return filepath.Join(c.Dir, ".locks", folder(repo), checksum+".lock")
}

func (c Cache) snapshot(r *Repo) string {
	return filepath.Join(c.Folder(r.Name.Repo), "snapshots", r.Commit)
}

// path is that of a file in a snapshot.
func (c Cache) path(r *Repo, f File) string {
	return filepath.Join(c.snapshot(r), filepath.FromSlash(f.Path))
}

// holds tells whether a file is there, under its name in the snapshot or as a blob.
func (c Cache) holds(r *Repo, f File) bool {
	return whole(c.path(r, f), f.Size) || whole(c.blob(r.Name.Repo, f.Blob), f.Size)
}

// whole tells whether there is a file of some size.
func whole(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// link puts a blob into its snapshot.
func (c Cache) link(r *Repo, f File, symlink func(from, to string) error) error {
	from, to := c.blob(r.Name.Repo, f.Blob), c.path(r, f)
	if whole(to, f.Size) {
		return nil
	}
	if !whole(from, f.Size) {
		return fatal("%s of %s was taken out of the cache while the rest came; fetch it again", f.Path, r.Name)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	relative, err := filepath.Rel(filepath.Dir(to), from)
	if err != nil {
		return err
	}
	for range 2 {
		err = symlink(relative, to)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Link(from, to)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = copyFile(from, to)
		}
		if err == nil || whole(to, f.Size) { // what is there may be another process's
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err = os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fatal("%s cannot be put into %s", f.Path, c.snapshot(r))
}

// copyFile copies a file, which appears under its name when all of it is there.
func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.CreateTemp(filepath.Dir(from), "copy-*.incomplete")
	if err != nil {
		return err
	}
	defer os.Remove(dst.Name())
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Chmod(0o644), dst.Sync(), dst.Close()); err != nil {
		return err
	}
	return os.Rename(dst.Name(), to)
}

// remember notes which commit a branch or tag stands for.
func (c Cache) remember(r *Repo) error {
	if r.Name.revision() == r.Commit {
		return nil
	}
	path := filepath.Join(c.Folder(r.Name.Repo), "refs", filepath.FromSlash(r.Name.revision()))
	if old, err := os.ReadFile(path); err == nil && string(old) == r.Commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ref-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(r.Commit)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
