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
)

// weightFile is an open file of weights. Reads may run at the same time.
type weightFile struct {
	name string
	r    io.ReaderAt
	size int64
	f    fs.File
}

// openRoot opens a checkpoint folder so that no name and no symbolic link in it leads outside. In a hub cache the files
// are links from models--ORG--NAME/snapshots/REVISION to models--ORG--NAME/blobs: there, models--ORG--NAME is the root.
func openRoot(dir string) (*os.Root, fs.FS, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	snapshots := filepath.Dir(abs)
	repo := filepath.Dir(snapshots)
	cached := filepath.Base(snapshots) == "snapshots" && strings.HasPrefix(filepath.Base(repo), "models--")
	if !cached {
		root, err := os.OpenRoot(abs)
		if err != nil {
			return nil, nil, err
		}
		return root, root.FS(), nil
	}
	root, err := os.OpenRoot(repo)
	if err != nil {
		return nil, nil, err
	}
	sub, err := fs.Sub(root.FS(), "snapshots/"+filepath.Base(abs))
	if err != nil {
		root.Close()
		return nil, nil, err
	}
	return root, sub, nil
}

// Holds tells whether file is one of the checkpoint's own, by whatever name or link it was found: the GGUF file, or anything
// in the folder but GGUF files, which are not read from there.
func (c *Checkpoint) Holds(file fs.FileInfo) bool {
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
		return nil, 0, pathCause(err)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, pathCause(err)
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
	return data, nil
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
