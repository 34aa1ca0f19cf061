package hub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrHub is in the chain of every error of the hub and of the way to it.
var ErrHub = errors.New("hub")

// problem is an error of the hub with what may be done about it.
type problem struct {
	text   string
	again  bool          // may pass by itself
	wait   time.Duration // that the hub asks for before another try; 0: it does not
	status int           // of the answer; 0: none
	cause  error
}

func (p *problem) Error() string   { return "hub: " + p.text }
func (p *problem) Unwrap() []error { return []error{ErrHub, p.cause} }

// fatal is a problem that another try does not solve.
func fatal(format string, args ...any) *problem { return &problem{text: fmt.Sprintf(format, args...)} }

// passing is one that it may.
func passing(cause error, format string, args ...any) *problem {
	return &problem{text: fmt.Sprintf(format, args...), again: true, cause: cause}
}

// refused tells whether an error is an answer of that status.
func refused(err error, status int) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.status == status
}

// refusal is a sentence for an answer that is no success. file is "" where the repository itself was asked for.
func (c *Client) refusal(resp *http.Response, name Name, file string) *problem {
	code, page := resp.Header.Get("X-Error-Code"), c.Endpoint+"/"+name.Repo
	status := fmt.Sprintf("(%d %s)", resp.StatusCode, http.StatusText(resp.StatusCode))
	if host := resp.Request.URL.Host; host != hostOf(c.Endpoint) { // where files are kept, which has no codes
		code, status = "", strings.TrimSuffix(status, ")")+" from "+host+")"
	}
	gated := code == "GatedRepo"
	switch s := resp.StatusCode; {
	case gated && c.Token == "":
		return fatal("%s is gated %s: accept its conditions at %s, then set HF_TOKEN to a token of that account", name.Repo, status, page)
	case gated || s == http.StatusForbidden && code == "":
		return fatal("%s may not be read with this token %s: where it is gated, accept its conditions at %s with the token's account", name.Repo, status, page)
	case s == http.StatusUnauthorized && c.Token == "":
		return fatal("there is no model %s on %s for everybody %s: check the name; for a private or gated one set HF_TOKEN to a token that may read it", name.Repo, hostOf(c.Endpoint), status)
	case s == http.StatusUnauthorized:
		return fatal("the hub does not take the token for %s %s: check the name, and the token in HF_TOKEN or where hf auth login put it", name.Repo, status)
	case s == http.StatusForbidden:
		return fatal("the hub refuses %s %s: %s", name.Repo, status, clip(resp.Header.Get("X-Error-Message")))
	case s == http.StatusNotFound && (code == "RevisionNotFound" || file == "" && code != "RepoNotFound" && name.Revision != ""):
		return fatal("%s has no revision %s %s; %s/tree/main lists branches and tags", name.Repo, name.revision(), status, page)
	case s == http.StatusNotFound && file != "":
		return fatal("%s has no file %s at %s %s", name.Repo, file, name.revision(), status)
	case s == http.StatusNotFound:
		return fatal("there is no model %s on %s %s; check the name", name.Repo, hostOf(c.Endpoint), status)
	case s == http.StatusRequestedRangeNotSatisfiable:
		return fatal("%s of %s: the server has fewer bytes than the hub names %s", file, name.Repo, status)
	case s == http.StatusProxyAuthRequired:
		return fatal("the proxy wants a name and a password %s: give them in HTTPS_PROXY, as http://NAME:PASSWORD@HOST:PORT", status)
	case s == http.StatusTooManyRequests:
		wait := retryAfter(resp.Header.Get("Retry-After"))
		return &problem{text: fmt.Sprintf("too many requests %s%s; with a token in HF_TOKEN the hub allows more", status, saidWait(wait)), again: true, wait: wait}
	case s >= 500 || s == http.StatusRequestTimeout:
		wait := retryAfter(resp.Header.Get("Retry-After"))
		return &problem{text: fmt.Sprintf("the hub is in trouble %s%s", status, saidWait(wait)), again: true, wait: wait}
	}
	return fatal("%s: an answer that means nothing here %s", name, status)
}

func saidWait(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf(", to be tried again in %v", d)
}

// retryAfter reads the header, which has seconds or a date; 0 where it says nothing.
func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(time.Until(at).Round(time.Second), 0)
}

// unreached is a sentence for a request that got no answer, or whose answer broke off. Addresses stay out of it: they may hold
// signatures.
func unreached(ctx context.Context, host string, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok { // of a redirect
		return p
	}
	if u, ok := errors.AsType[*url.Error](err); ok { // of the last address that was tried
		err, host = u.Err, hostOf(u.URL)
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case isDNS:
		return passing(err, "the address of %s cannot be found (%s): is there a network?", dns.Name, dns.Err)
	case untrusted || unknown:
		return fatal("the certificate of %s is not trusted (%v): where a proxy opens connections, SSL_CERT_FILE names its authority; else do not go on", host, err)
	case noTLS, errors.Is(err, http.ErrSchemeMismatch):
		return fatal("%s does not speak TLS: is a proxy or a login page in between?", host)
	case isOp && op.Op == "proxyconnect":
		return passing(err, "the proxy does not lead on (%v): check HTTPS_PROXY", op.Err)
	case errors.Is(context.Cause(ctx), errStalled), os.IsTimeout(err):
		return passing(err, "%s does not go on sending", host)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return passing(err, "%s cut the connection", host)
	}
	return passing(err, "%s cannot be reached (%s): check the network, HTTPS_PROXY and HF_ENDPOINT", host, clip(err.Error()))
}

var errStalled = errors.New("no byte for a while")

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the hub"
	}
	return u.Host
}

// clip is a text of a server's for one line.
func clip(text string) string {
	return strings.Trim(strconv.Quote(text[:min(len(text), 200)]), `"`)
}
