package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// weightFile is an open file of weights. Reads may run at the same time.
type weightFile struct {
	name string
	r    io.ReaderAt
	size int64
	f    fs.File
}

// resolve is the path of a folder without links in it.
func resolve(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	return path, err
}

// openFolder opens a folder whose path is resolved. In one that is the user's own, or the system's, links lead anywhere. In
// one of somebody else they must not make this process read what its user alone may: openInside.
func openFolder(path string) (fs.FS, *os.Root, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, nil, err
	case !info.IsDir():
		return nil, nil, errors.New("not a folder")
	case trusted(info):
		return os.DirFS(path), nil, nil
	}
	return openInside(path)
}

// openInside opens a folder so that no name and no link in it leads outside. In a hub cache the files are links from
// models--ORG--NAME/snapshots/REVISION to models--ORG--NAME/blobs: there, models--ORG--NAME is the border.
func openInside(path string) (fs.FS, *os.Root, error) {
	border, sub := path, "."
	snapshots := filepath.Dir(path)
	if repo := filepath.Dir(snapshots); filepath.Base(snapshots) == "snapshots" && strings.HasPrefix(filepath.Base(repo), "models--") {
		border, sub = repo, "snapshots/"+filepath.Base(path)
	}
	root, err := os.OpenRoot(border)
	if err != nil {
		return nil, nil, err
	}
	fsys, err := fs.Sub(root.FS(), sub)
	return fsys, root, err
}

// Holds tells whether path leads to one of the checkpoint's own files, by whatever name or link: the GGUF file, or anything in
// the folder but GGUF files, which are not read from there.
func (c *Checkpoint) Holds(path string) bool {
	file, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, w := range c.files {
		if own, err := w.f.Stat(); err == nil && os.SameFile(own, file) {
			return true
		}
	}
	if c.fsys == nil {
		return false
	}
	names, _ := fs.Glob(c.fsys, "*") // it errs on bad patterns alone
	return slices.ContainsFunc(names, func(name string) bool {
		own, err := fs.Stat(c.fsys, name)
		return err == nil && !strings.HasSuffix(name, ".gguf") && os.SameFile(own, file)
	})
}

// openRegular opens a regular file. The check comes first because opening a pipe would wait for its writer.
func openRegular(fsys fs.FS, name string) (fs.File, int64, error) {
	info, err := fs.Stat(fsys, name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, 0, linkCause(fsys, name, err)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, linkCause(fsys, name, err)
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, 0, pathCause(err)
	}
	return f, info.Size(), nil
}

// readSmall reads a whole file of at most limit bytes.
func readSmall(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, size, err := openRegular(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%d bytes, at most %d are read", size, limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, pathCause(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("more than the %d bytes that are read", limit)
	}
	return data, mistake(data)
}

// openWeights opens a file of weights for reading at any place; a file that cannot do that is read into memory.
func openWeights(fsys fs.FS, name string) (*weightFile, error) {
	f, size, err := openRegular(fsys, name)
	if err != nil {
		return nil, err
	}
	w := &weightFile{name: name, size: size, f: f}
	if r, ok := f.(io.ReaderAt); ok {
		w.r = r
		return w, nil
	}
	data, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, pathCause(err)
	}
	w.r, w.size = bytes.NewReader(data), int64(len(data))
	return w, nil
}

// pathCause drops the operation and the path from a file error: callers name the file in their own words.
func pathCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// linkCause is pathCause, with the target where name is a link. A link to nothing is not a file that may be missing.
func linkCause(fsys fs.FS, name string, err error) error {
	target, notLink := fs.ReadLink(fsys, name)
	if notLink != nil {
		return pathCause(err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a link to %s, which is not there", strict.Clip(target))
	}
	return fmt.Errorf("a link to %s: %w", strict.Clip(target), pathCause(err))
}
