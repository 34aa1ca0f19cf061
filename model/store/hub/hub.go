// Package hub fetches files from a hub that has the routes of huggingface.co, and keeps them in the cache that the hub's Python
// library uses: blobs by checksum, snapshots that link to them, refs, locks. It knows nothing of models: which files of a
// repository are wanted is the caller's to say.
package hub

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Home is the hub that is asked unless HF_ENDPOINT names another.
const Home = "https://huggingface.co"

// Client asks a hub and fills a cache. Its methods may be called at the same time.
type Client struct {
	Cache    Cache
	Endpoint string // address without a slash at its end
	Token    string // sent to the endpoint's own host alone; "" means none
	Offline  bool   // asks nothing
	Note     func(format string, args ...any)

	stall   time.Duration // without a byte, after which a connection is given up
	sleep   func(context.Context, time.Duration) error
	symlink func(from, to string) error
	store   func(*os.File, []byte) error // writes what came
	http    *http.Client
	reached atomic.Bool // an answer came
}

// New is a client as the environment has it: HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE, and what says where the cache is.
func New(note func(format string, args ...any)) (*Client, error) {
	c := &Client{Cache: Cache{Dir()}, Endpoint: strings.TrimRight(cmp.Or(os.Getenv("HF_ENDPOINT"), Home), "/"), Note: note, stall: time.Minute, sleep: sleep, store: write, symlink: os.Symlink}
	at, err := url.Parse(c.Endpoint)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return nil, fmt.Errorf("%w: HF_ENDPOINT is no address of a hub; want one such as %s", ErrHub, Home)
	}
	switch strings.ToUpper(os.Getenv("HF_HUB_OFFLINE")) {
	case "1", "ON", "YES", "TRUE":
		c.Offline = true
	}
	if c.Token, err = token(); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: &private{at, c.Token, transport()}, CheckRedirect: redirect}
	return c, nil
}

// transport is the default one, with its proxies from the environment, and a bound on the wait for an answer.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	return t
}

// token is the user's token for the hub.
func token() (string, error) {
	text := os.Getenv("HF_TOKEN")
	from := "HF_TOKEN"
	if text == "" {
		from = cmp.Or(expand(os.Getenv("HF_TOKEN_PATH")), filepath.Join(home(), "token"))
		data, _ := os.ReadFile(from) // what cannot be read is none
		text = string(data)
	}
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%w: what %s holds is no token: it has spaces or letters that no token has", ErrHub, from)
	}
	return text, nil
}

// home is the folder of the hub's tools.
func home() string {
	dir, _ := os.UserHomeDir() // without one the path is relative, and nothing is there
	user := cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(dir, ".cache"))
	return cmp.Or(expand(os.Getenv("HF_HOME")), filepath.Join(user, "huggingface"))
}

// Dir is the folder in which the hub's tools keep models: HF_HUB_CACHE, or hub in HF_HOME.
func Dir() string { return cmp.Or(expand(os.Getenv("HF_HUB_CACHE")), filepath.Join(home(), "hub")) }

// expand does what a shell would have done with a path, as the Python library does.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if dir, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(dir, rest)
		}
	}
	return os.ExpandEnv(path)
}

// private gives the token to requests to one host, whatever a redirect asks for, and never to any other.
type private struct {
	hub   *url.URL
	token string
	next  http.RoundTripper
}

// RoundTrip sends a request.
func (p *private) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.token != "" && r.URL.Host == p.hub.Host && r.URL.Scheme == p.hub.Scheme {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	return p.next.RoundTrip(r)
}

// redirect follows where an answer points, but from an encrypted connection to none that is not.
func redirect(r *http.Request, before []*http.Request) error {
	switch last := before[len(before)-1]; {
	case len(before) >= 10:
		return fatal("%s sends from one address to another without end", before[0].URL.Host)
	case last.URL.Scheme == "https" && r.URL.Scheme != "https":
		return fatal("%s sends to %s, which is not encrypted; that is not followed", last.URL.Host, r.URL.Host)
	}
	r.Header.Del("Referer") // an address may hold a signature
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func write(f *os.File, p []byte) error {
	_, err := f.Write(p)
	return err
}
