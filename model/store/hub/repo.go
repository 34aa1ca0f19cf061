package hub

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
)

// Repo is what a hub says of a model at one commit.
type Repo struct {
	Name   Name
	Commit string
	Files  []File
}

// File is one of its files.
type File struct {
	Path string // with slashes
	Size int64
	Blob string // checksum, by which the cache names it: SHA-256 in hex, or the SHA-1 of a git blob
}

// File is the file at a path.
func (r *Repo) File(path string) (File, bool) {
	for _, f := range r.Files {
		if f.Path == path {
			return f, true
		}
	}
	return File{}, false
}

// maxListing bounds the list of a repository's files, in bytes.
const maxListing = 32 << 20

// listing is the hub's answer, as far as it is read.
type listing struct {
	SHA      string
	Siblings []struct {
		Rfilename, BlobID string
		Size              *int64
		LFS               *struct{ SHA256, OID string }
	}
}

// Repo asks what a model consists of.
func (c *Client) Repo(ctx context.Context, name Name) (*Repo, error) {
	var said listing
	err := c.persist(ctx, func() (bool, error) {
		a, err := c.ask(ctx, c.Endpoint+"/api/models/"+name.Repo+"/revision/"+url.PathEscape(name.revision())+"?blobs=true", http.Header{}, name, "")
		if err != nil {
			return false, err
		}
		defer a.Close()
		data, err := io.ReadAll(io.LimitReader(a, maxListing))
		if err == nil && json.Unmarshal(data, &said) != nil {
			err = fatal("what %s answers is no list of files: is it a hub, or a login page in between?", a.Request.URL.Host)
		}
		return false, err
	})
	if err != nil {
		return nil, err
	}
	if !commitForm.MatchString(said.SHA) {
		return nil, fatal("%s: the hub names no commit", name)
	}
	r := &Repo{Name: name, Commit: said.SHA}
	for _, s := range said.Siblings {
		f := File{Path: s.Rfilename, Blob: s.BlobID, Size: -1}
		if s.LFS != nil {
			f.Blob = s.LFS.SHA256 + s.LFS.OID // one of both, whichever form the hub uses
		}
		if s.Size != nil {
			f.Size = *s.Size
		}
		r.Files = append(r.Files, f)
	}
	return r, nil
}

// sound refuses a file whose name could lead elsewhere, or which cannot be checked.
func (r *Repo) sound(f File) error {
	switch {
	case !plain(f.Path):
		return fatal("%s: the hub names a file %s, which is no name for a file here; nothing is fetched", r.Name, clip(f.Path))
	case f.Size < 0 || !blobForm.MatchString(f.Blob):
		return fatal("%s: the hub does not say size and checksum of %s, so that it cannot be checked; nothing is fetched", r.Name, f.Path)
	}
	return nil
}
