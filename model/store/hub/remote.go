package hub

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxWhole bounds a file that is read into memory, in bytes.
const maxWhole = 64 << 20

// ReadFile reads a file of a repository, from the cache where that has it, and keeps nothing.
func (c *Client) ReadFile(ctx context.Context, r *Repo, f File) ([]byte, error) {
	if err := r.sound(f); err != nil {
		return nil, err
	}
	if f.Size > maxWhole {
		return nil, fatal("%s of %s has %d bytes; at most %d are read", f.Path, r.Name, f.Size, maxWhole)
	}
	for _, path := range []string{c.Cache.path(r, f), c.Cache.blob(r.Name.Repo, f.Blob)} {
		if data, err := os.ReadFile(path); err == nil && f.names(data) {
			return data, nil
		}
	}
	var data []byte
	err := c.persist(ctx, func() (_ bool, err error) {
		data, err = c.get(ctx, r, f, http.Header{"Accept-Encoding": {"identity"}}, f.Size)
		return false, err
	})
	if err == nil && !f.names(data) {
		err = fatal("%s of %s: what came is not what the hub names", f.Path, r.Name)
	}
	return data, err
}

// names tells whether the file's checksum is that of data.
func (f File) names(data []byte) bool {
	sum := f.newSum()
	sum.Write(data)
	return hex.EncodeToString(sum.Sum(nil)) == f.Blob
}

// get reads an answer of n bytes.
func (c *Client) get(ctx context.Context, r *Repo, f File, header http.Header, n int64) ([]byte, error) {
	a, err := c.ask(ctx, c.address(r, f), header, r.Name, f.Path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if part := header.Get("Range"); part != "" && !strings.HasPrefix(a.Header.Get("Content-Range"), strings.Replace(part, "=", " ", 1)+"/") {
		return nil, fatal("%s does not send the part of %s that was asked for; only a whole download can show it", a.Request.URL.Host, f.Path)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(a, data); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, passing(err, "%s cut the connection", a.Request.URL.Host)
	} else if err != nil {
		return nil, err
	}
	return data, nil
}

// FS is the repository as a file system of which parts are read by range as they are asked for: whole is what is read as a whole
// where it is opened.
func (c *Client) FS(ctx context.Context, r *Repo, whole func(path string) bool) fs.FS {
	return remote{c, ctx, r, whole}
}

type remote struct {
	*Client
	ctx   context.Context
	repo  *Repo
	whole func(path string) bool
}

// Open opens a file.
func (m remote) Open(path string) (fs.File, error) {
	f, ok := m.repo.File(path)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err := m.repo.sound(f); err != nil {
		return nil, err
	}
	if !m.whole(path) {
		return &ranged{SectionReader: io.NewSectionReader(&window{remote: m, file: f}, 0, f.Size), file: f}, nil
	}
	data, err := m.ReadFile(m.ctx, m.repo, f)
	if err != nil {
		return nil, err
	}
	return &ranged{SectionReader: io.NewSectionReader(bytes.NewReader(data), 0, f.Size), file: f}, nil
}

// Stat asks nothing of the hub.
func (m remote) Stat(path string) (fs.FileInfo, error) {
	f, ok := m.repo.File(path)
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	return fileInfo{f}, nil
}

// ranged is an open file.
type ranged struct {
	*io.SectionReader
	file File
}

func (r *ranged) Stat() (fs.FileInfo, error) { return fileInfo{r.file}, nil }
func (r *ranged) Close() error               { return nil }

type fileInfo struct{ file File }

func (i fileInfo) Name() string       { return i.file.Path }
func (i fileInfo) Size() int64        { return i.file.Size }
func (i fileInfo) Mode() fs.FileMode  { return 0o444 }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }

// ahead is how much a read by range fetches at least, in bytes: most headers whole.
const ahead = 256 << 10

// window reads parts of a file and keeps the last.
type window struct {
	remote
	file File
	at   int64
	data []byte
}

// ReadAt reads from a place.
func (w *window) ReadAt(p []byte, off int64) (int, error) {
	n := min(int64(len(p)), w.file.Size-off)
	if n <= 0 {
		return 0, io.EOF
	}
	if off < w.at || off+n > w.at+int64(len(w.data)) {
		end := min(off+max(n, ahead), w.file.Size)
		err := w.persist(w.ctx, func() (_ bool, err error) {
			header := http.Header{"Accept-Encoding": {"identity"}, "Range": {fmt.Sprintf("bytes=%d-%d", off, end-1)}}
			w.at = off
			w.data, err = w.get(w.ctx, w.repo, w.file, header, end-off)
			return false, err
		})
		if err != nil {
			w.data = nil
			return 0, err
		}
	}
	copied := copy(p, w.data[off-w.at:])
	if copied < len(p) {
		return copied, io.EOF
	}
	return copied, nil
}
