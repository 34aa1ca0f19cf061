package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tempMark is in the names of files that are not complete: .NAME.muninn-partial-RANDOM.
const tempMark = ".muninn-partial-"

// pending is a file that has no name of its own yet. While its writer lives it is locked, by which others know.
type pending struct {
	*os.File
	path string
	need int64
	done bool
}

// createPending makes the hidden file and asks the disk for its space.
func createPending(path string, size int64) (*pending, error) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	removeStale(dir)
	for {
		f, err := os.CreateTemp(dir, "."+base+tempMark+"*")
		if err != nil {
			return nil, fmt.Errorf("%s cannot be written: %w", path, Cause(path, err))
		}
		p := &pending{File: f, path: path, need: size}
		if err := lock(f); err != nil || !p.inPlace() {
			// Between its creation and the lock, another writer took it for one of a dead writer.
			p.discard()
			if err == nil {
				continue
			}
			return nil, fmt.Errorf("%s cannot be locked: %w", f.Name(), err)
		}
		// CreateTemp gives no one else a look; a finished file is as any other.
		err = f.Chmod(0o644)
		if err == nil {
			err = reserve(f, size)
		}
		if err != nil {
			p.discard()
			return nil, p.explain(err)
		}
		return p, nil
	}
}

// inPlace tells whether the file still has its hidden name.
func (p *pending) inPlace() bool {
	there, err := os.Stat(p.Name())
	if err != nil {
		return false
	}
	here, err := p.Stat()
	return err == nil && os.SameFile(there, here)
}

// removeStale removes hidden files whose writers are dead.
func removeStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), ".") && strings.Contains(e.Name(), tempMark) {
			removeUnlocked(filepath.Join(dir, e.Name()))
		}
	}
}

// commit writes p at off, makes sure that all of the file is on the disk, and gives it its name.
func (p *pending) commit(patch []byte, off int64) error {
	_, err := p.WriteAt(patch, off)
	if err == nil {
		err = p.Sync()
	}
	if err != nil {
		p.discard()
		return p.explain(err)
	}
	// The lock goes with the file's closing, so the name comes first where the system allows that.
	if err := publish(p.File, p.path); err != nil {
		p.discard()
		return fmt.Errorf("%s cannot be given its name: %w", p.path, Cause(p.path, err))
	}
	p.done = true
	return syncDir(filepath.Dir(p.path))
}

// discard removes the file unless it was committed.
func (p *pending) discard() {
	if !p.done {
		p.done = true
		_ = os.Remove(p.Name())
		_ = p.Close()
		_ = os.Remove(p.Name()) // where an open file cannot be removed
	}
}

// explain names the file and, for a full disk, what it needs.
func (p *pending) explain(err error) error {
	if isFull(err) {
		return fmt.Errorf("%s takes %.1f MB: %w; free some, or write to another one", p.path, float64(p.need)/1e6, ErrNoSpace)
	}
	return fmt.Errorf("writing %s: %w", p.path, Cause(p.path, err))
}

// Cause says why the file at path cannot be written: that its folder is missing, or what err says but the operation and a hidden name.
func Cause(path string, err error) error {
	dir := filepath.Dir(path)
	info, missing := os.Stat(dir)
	switch {
	case errors.Is(missing, fs.ErrNotExist):
		return fmt.Errorf("the folder %s does not exist", dir)
	case missing == nil && !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	}
	return cause(err)
}

// cause drops the operation and the hidden name from a file error.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
