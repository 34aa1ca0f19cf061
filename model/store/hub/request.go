package hub

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds on patience: how often in a row a thing is tried that gets no further, and the longest wait that is not left to the user.
const (
	tries   = 6
	atFirst = 3 // as long as no answer came at all
	maxWait = 5 * time.Minute
)

// persist calls try until it succeeds, fails for good, or fails too often in a row without having got any further.
func (c *Client) persist(ctx context.Context, try func() (further bool, err error)) error {
	for failed := 0; ; {
		further, err := try()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if further {
			failed = 0
		}
		failed++
		p, ok := errors.AsType[*problem](err)
		limit := tries
		if !c.reached.Load() {
			limit = atFirst
		}
		switch {
		case !ok || !p.again || failed == limit && limit == atFirst:
			return err
		case failed == limit || p.wait > maxWait:
			return &problem{text: p.text + "; given up for now: the same command tries again, and goes on from what has come", status: p.status, cause: err}
		}
		wait := p.wait
		if wait == 0 {
			wait = time.Second<<(failed-1)/2 + rand.N(time.Second/2)
		}
		c.Note("%s; tried again in %v", p.text, wait.Round(time.Second/10))
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// answer is a response whose body ends where the connection stalls.
type answer struct {
	*http.Response
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

// ask sends a GET. Answers of 200, and of 206 to a request for a part, come back; everything else is a problem.
func (c *Client) ask(ctx context.Context, address string, header http.Header, name Name, file string) (*answer, error) {
	if c.Offline {
		return nil, fatal("HF_HUB_OFFLINE or --offline forbids asking for %s", name)
	}
	a := &answer{stall: c.stall}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.timer = time.AfterFunc(2*c.stall, func() { a.cancel(errStalled) })
	r, err := http.NewRequestWithContext(a.ctx, http.MethodGet, address, nil)
	if err != nil {
		a.cancel(nil)
		return nil, fatal("%s: no address can be made of it", name)
	}
	r.Header = header
	r.Header.Set("User-Agent", "muninn")
	if a.Response, err = c.http.Do(r); err != nil {
		defer a.cancel(nil)
		return nil, unreached(a.ctx, r.URL.Host, err)
	}
	c.reached.Store(true)
	if a.StatusCode == http.StatusOK || a.StatusCode == http.StatusPartialContent && header.Get("Range") != "" {
		return a, nil
	}
	defer a.Close()
	p := c.refusal(a.Response, name, file)
	p.status = a.StatusCode
	return nil, p
}

// Read reads of the body, and fails where nothing comes for a while.
func (a *answer) Read(p []byte) (int, error) {
	a.timer.Reset(a.stall)
	n, err := a.Body.Read(p)
	if err != nil && err != io.EOF {
		err = unreached(a.ctx, a.Request.URL.Host, err)
	}
	return n, err
}

// Close lets go of the connection.
func (a *answer) Close() {
	a.timer.Stop()
	a.cancel(nil)
	a.Body.Close()
}

// address is that of a file at the repository's commit.
func (c *Client) address(r *Repo, f File) string {
	parts := strings.Split(f.Path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return c.Endpoint + "/" + r.Name.Repo + "/resolve/" + r.Commit + "/" + strings.Join(parts, "/")
}
