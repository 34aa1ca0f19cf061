package hub

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Snapshot is the folder in which the cache has a model's files at a revision: the one that the ref names, the commit, or for
// no revision and without a ref the only one there. None is fs.ErrNotExist.
func (c Cache) Snapshot(n Name) (string, error) { return SnapshotIn(c.Folder(n.Repo), n.Revision) }

// SnapshotIn is Snapshot in the folder of a model.
func SnapshotIn(repo, revision string) (string, error) {
	all, err := os.ReadDir(filepath.Join(repo, "snapshots"))
	if err != nil {
		return "", err
	}
	name := Name{Revision: revision}.revision()
	ref, err := os.ReadFile(filepath.Join(repo, "refs", filepath.FromSlash(name)))
	commit := strings.TrimSpace(string(ref))
	switch {
	case err == nil:
	case revision != "":
		commit = revision
	case len(all) == 1:
		commit = all[0].Name()
	}
	for _, s := range all {
		if s.Name() == commit {
			return filepath.Join(repo, "snapshots", commit), nil
		}
	}
	return "", &NoSnapshotError{repo, name, commit, len(all)}
}

// NoSnapshotError says that a model's folder has snapshots, but not the one that was asked for.
type NoSnapshotError struct {
	Repo, Revision string
	Commit         string // that the ref names; empty: there is none
	Snapshots      int
}

func (e *NoSnapshotError) Error() string { return e.Repo + " has no snapshot of " + e.Revision }

// Is matches fs.ErrNotExist.
func (e *NoSnapshotError) Is(target error) bool { return target == fs.ErrNotExist }

// Held is a model at one commit in the cache.
type Held struct {
	Name   Name // with the commit as revision
	Refs   []string
	Folder string // the snapshot
}

// Models lists what models the cache has, at every commit.
func (c Cache) Models() (list []Held, err error) {
	folders, err := os.ReadDir(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, f := range folders {
		repo, ok := strings.CutPrefix(f.Name(), repoPrefix)
		repo = strings.Replace(repo, "--", "/", 1)
		if n, valid := ParseName(repo); !ok || !valid || n != (Name{Repo: repo}) {
			continue
		}
		refs := c.refs(repo)
		snapshots, _ := os.ReadDir(filepath.Join(c.Folder(repo), "snapshots")) // without them there is nothing to list
		for _, s := range snapshots {
			if s.IsDir() {
				list = append(list, Held{Name{Repo: repo, Revision: s.Name()}, refs[s.Name()], filepath.Join(c.Folder(repo), "snapshots", s.Name())})
			}
		}
	}
	return list, err
}

// refs are a model's refs by commit.
func (c Cache) refs(repo string) map[string][]string {
	refs, dir := map[string][]string{}, filepath.Join(c.Folder(repo), "refs")
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // what cannot be read is none
		if err != nil || d.IsDir() {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		commit, unread := os.ReadFile(path)
		if err == nil && unread == nil && !strings.HasPrefix(d.Name(), ".") {
			key := strings.TrimSpace(string(commit))
			refs[key] = append(refs[key], filepath.ToSlash(name))
		}
		return nil
	})
	return refs
}

// Files are the snapshot's files with what they link to, by path.
func (h Held) Files() (map[string]fs.FileInfo, error) {
	files := map[string]fs.FileInfo{}
	err := filepath.WalkDir(h.Folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := os.Stat(path); err == nil { // a link to nothing takes no space
			files[path] = info
		}
		return nil
	})
	return files, err
}

// Size is how many bytes the snapshot's files have.
func (h Held) Size() (n int64) {
	files, _ := h.Files() // of what cannot be read nothing
	for _, info := range files {
		n += info.Size()
	}
	return n
}

// Remove takes a snapshot out of the cache with its refs, and with the blobs that no other snapshot of the model has; with the last
// one the model's folder. It returns the number of bytes that are free then. Nothing outside the cache's folder is touched,
// wherever links in it lead.
func (c Cache) Remove(h Held) (freed int64, err error) {
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	repo := folder(h.Name.Repo)
	all, err := c.Models()
	if err != nil {
		return 0, err
	}
	others := slices.DeleteFunc(all, func(o Held) bool { return o.Name.Repo != h.Name.Repo || o.Name == h.Name })
	blobs, err := fs.ReadDir(root.FS(), repo+"/blobs")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if len(others) == 0 {
		for _, b := range blobs {
			if info, err := b.Info(); err == nil {
				freed += info.Size()
			}
		}
		return freed, errors.Join(root.RemoveAll(repo), root.RemoveAll(".locks/"+repo))
	}
	mine, err := h.Files()
	if err != nil {
		return 0, err
	}
	own, used := slices.Collect(maps.Values(mine)), []fs.FileInfo(nil)
	for _, o := range others {
		files, err := o.Files()
		if err != nil {
			return 0, err
		}
		used = slices.AppendSeq(used, maps.Values(files))
	}
	errs := []error{root.RemoveAll(repo + "/snapshots/" + h.Name.Revision)}
	for _, ref := range h.Refs {
		errs = append(errs, root.Remove(repo+"/refs/"+ref))
	}
	holds := func(list []fs.FileInfo, b fs.FileInfo) bool {
		return slices.ContainsFunc(list, func(f fs.FileInfo) bool { return os.SameFile(f, b) })
	}
	for _, b := range blobs {
		info, err := root.Lstat(repo + "/blobs/" + b.Name())
		if err != nil || !holds(own, info) || holds(used, info) {
			continue
		}
		freed += info.Size()
		errs = append(errs, root.Remove(repo+"/blobs/"+b.Name()))
	}
	return freed, errors.Join(errs...)
}
