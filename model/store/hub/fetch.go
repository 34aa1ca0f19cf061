package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// atOnce is how many files come side by side.
const atOnce = 4

// Left is how many bytes of files are not in the cache.
func (c *Client) Left(r *Repo, files []File) (n int64) {
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Blob] || c.Cache.holds(r, f) {
			continue
		}
		seen[f.Blob] = true
		if n += f.Size; c.begun(r, f) <= f.Size {
			n -= c.begun(r, f)
		}
	}
	return n
}

// begun is how much of a file an earlier run has left.
func (c *Client) begun(r *Repo, f File) int64 {
	info, err := os.Stat(c.Cache.blob(r.Name.Repo, f.Blob) + incomplete)
	if err != nil {
		return 0
	}
	return info.Size()
}

const incomplete = ".incomplete"

// Fetch brings files into the cache and returns the snapshot's folder, which has them, and the ref once all are there. Nothing has
// its final name before its checksum is right. progress is told how many bytes of what was left have come.
func (c *Client) Fetch(ctx context.Context, r *Repo, files []File, progress func(done, total int64)) (string, error) {
	for _, f := range files {
		if err := r.sound(f); err != nil {
			return "", err
		}
	}
	for _, part := range []string{"blobs", "snapshots"} { // other tools take a model without either for a damaged one
		if err := os.MkdirAll(filepath.Join(c.Cache.Folder(r.Name.Repo), part), 0o777); err != nil {
			return "", err
		}
	}
	total := c.Left(r, files)
	if room, err := free(c.Cache.Dir); err == nil && total > int64(min(room, 1<<62)) {
		return "", fmt.Errorf("%s has %.3f GB free, and %s needs %.3f GB more: make room, or have HF_HUB_CACHE name a folder on a larger disk",
			c.Cache.Dir, float64(room)/1e9, r.Name, float64(total)/1e9)
	}
	if err := c.all(ctx, r, files, total, progress); err != nil {
		return "", err
	}
	for _, f := range files {
		if err := c.Cache.link(r, f, c.symlink); err != nil {
			return "", err
		}
	}
	return c.Cache.snapshot(r), c.Cache.remember(r)
}

// all fetches several files at a time. The first error ends the others.
func (c *Client) all(ctx context.Context, r *Repo, files []File, total int64, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu    sync.Mutex
		done  int64
		group sync.WaitGroup
		gate  = make(chan struct{}, atOnce)
	)
	more := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		done += n
		progress(max(done, 0), total)
	}
	started := map[string]bool{}
	for _, f := range files {
		if started[f.Blob] {
			continue
		}
		started[f.Blob] = true
		select {
		case gate <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-gate }()
			if err := c.one(ctx, r, f, more); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// one fetches a file under its lock, unless it is there or comes meanwhile by another process.
func (c *Client) one(ctx context.Context, r *Repo, f File, more func(n int64)) (err error) {
	if c.Cache.holds(r, f) {
		return nil
	}
	unlock, err := c.lock(ctx, r, f)
	if err != nil {
		return err
	}
	defer unlock()
	path := c.Cache.blob(r.Name.Repo, f.Blob)
	if whole(path, f.Size) {
		return nil
	}
	file, err := os.OpenFile(path+incomplete, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	p := &part{c: c, repo: r, File: f, f: file, more: more}
	err = p.fetch(ctx)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		if whole(path+incomplete, 0) {
			_ = os.Remove(path + incomplete) // nothing came
		}
		return err
	}
	return os.Rename(path+incomplete, path)
}

// lock takes the lock of a blob, which the Python library takes too, and says so where it has to wait.
func (c *Client) lock(ctx context.Context, r *Repo, f File) (unlock func(), err error) {
	path := c.Cache.lock(r.Name.Repo, f.Blob)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	l := flock.New(path, flock.SetPermissions(0o664))
	got, err := l.TryLock()
	if err == nil && !got {
		c.Note("another process fetches %s of %s; waiting for it", f.Path, r.Name)
		_, err = l.TryLockContext(ctx, 100*time.Millisecond)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("the lock %s cannot be taken: %w", path, err)
	}
	return func() { _ = l.Unlock() }, nil
}
