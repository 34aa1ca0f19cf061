package hub

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
)

// part is a file on its way: what has come of it, and the checksum over that.
type part struct {
	c    *Client
	repo *Repo
	File
	f    *os.File
	done int64
	sum  hash.Hash
	etag string        // of the answer that the bytes came in, where that identifies them
	more func(n int64) // told how many have come, less than 0 for those given up
}

// newSum is the checksum that names a blob.
func (f File) newSum() hash.Hash {
	if len(f.Blob) == 2*sha256.Size {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", f.Size)
	return h
}

// take goes on with what an earlier run left in the file.
func (p *part) take(ctx context.Context) error {
	p.sum = p.newSum()
	info, err := p.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > p.Size {
		return p.restart()
	}
	p.done, err = io.Copy(p.sum, until{ctx, io.NewSectionReader(p.f, 0, info.Size())})
	if err == nil {
		_, err = p.f.Seek(p.done, io.SeekStart)
	}
	return err
}

// until reads until ctx ends.
type until struct {
	ctx context.Context
	io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.Reader.Read(p)
}

// restart gives up what has come.
func (p *part) restart() error {
	p.more(-p.done)
	p.done, p.etag, p.sum = 0, "", p.newSum()
	_, err := p.f.Seek(0, io.SeekStart)
	return errors.Join(err, p.f.Truncate(0))
}

// right tells whether all has come and is what its name says.
func (p *part) right() bool {
	return p.done == p.Size && hex.EncodeToString(p.sum.Sum(nil)) == p.Blob
}

// fetch has the rest come, and all of it a second time where the whole is wrong.
func (p *part) fetch(ctx context.Context) error {
	if err := p.take(ctx); err != nil {
		return err
	}
	for range 2 {
		err := p.c.persist(ctx, func() (bool, error) {
			before := p.done
			err := p.goOn(ctx)
			return p.done > before, err
		})
		if err != nil || p.right() {
			return err
		}
		if err := p.restart(); err != nil {
			return err
		}
	}
	return fatal("%s of %s: what came is not what the hub names, twice (checksum %s); nothing is kept of it", p.Path, p.repo.Name, p.Blob)
}

// goOn asks for the rest and takes what comes.
func (p *part) goOn(ctx context.Context) error {
	if p.done == p.Size {
		return nil
	}
	header := http.Header{"Accept-Encoding": {"identity"}}
	if p.done > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.done))
		if p.etag != "" {
			header.Set("If-Range", p.etag)
		}
	}
	a, err := p.c.ask(ctx, p.c.address(p.repo, p.File), header, p.repo.Name, p.Path)
	if p.done > 0 && refused(err, http.StatusRequestedRangeNotSatisfiable) {
		return cmp.Or(p.restart(), error(passing(err, "%s: the server does not have the rest", p.Path)))
	}
	if err != nil {
		return err
	}
	defer a.Close()
	if err := p.check(a); err != nil {
		return err
	}
	return p.read(a)
}

// check holds an answer's header against what was asked for; where the whole file comes, what there is of it is given up.
func (p *part) check(a *answer) error {
	host, total := a.Request.URL.Host, p.Size
	if e := a.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return fatal("%s: %s sends it packed as %s, which was not asked for; does a proxy do that?", p.Path, host, clip(e))
	}
	if a.StatusCode == http.StatusPartialContent {
		var from, to int64
		if n, _ := fmt.Sscanf(a.Header.Get("Content-Range"), "bytes %d-%d/", &from, &to); n != 2 || from != p.done || to >= p.Size {
			return cmp.Or(p.restart(), error(passing(nil, "%s: %s sends another part than was asked for", p.Path, host)))
		}
		total = to + 1
	} else if p.done > 0 {
		if err := p.restart(); err != nil {
			return err
		}
	}
	if n := a.ContentLength; n >= 0 && n != total-p.done {
		return fatal("%s: %s sends %d bytes, where %d are left by what the hub says: is a login page in between?", p.Path, host, n, p.Size-p.done)
	}
	if p.etag = a.Header.Get("ETag"); strings.HasPrefix(p.etag, "W/") {
		p.etag = ""
	}
	return nil
}

// read takes an answer's bytes.
func (p *part) read(a *answer) error {
	buf := make([]byte, 256<<10)
	for p.done < p.Size {
		n, err := a.Read(buf[:min(int64(len(buf)), p.Size-p.done)])
		if n > 0 {
			if err := p.c.store(p.f, buf[:n]); err != nil {
				return fmt.Errorf("%w; what came is kept, and fetching goes on from there", err)
			}
			p.sum.Write(buf[:n])
			p.done += int64(n)
			p.more(int64(n))
		}
		if err == io.EOF && p.done < p.Size {
			err = passing(io.ErrUnexpectedEOF, "%s cut the connection", a.Request.URL.Host)
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}
