package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// listening runs a test with a server that listens, in a time of its own.
func listening(t *testing.T, m *Model, o Options, test func(t *testing.T, s *Server, p *pipes, stop func() error)) {
	synctest.Test(t, func(t *testing.T) {
		s := serving(t, m, o)
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, p) }()
		stopped := false
		stop := func() error {
			stopped = true
			cancel()
			return <-done
		}
		test(t, s, p, stop)
		if !stopped {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
		s.Models.Close()
		time.Sleep(10 * time.Second) // net/http's connections linger
	})
}

// raw sends a text on a connection of its own and reads the first answer's status; 0: the connection was closed instead.
func raw(t *testing.T, p *pipes, text string) int {
	t.Helper()
	c, err := p.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, text) // until the other side has enough
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

const headerLines = "Host: localhost\r\nContent-Type: application/json\r\n"

func post(body string) string {
	return fmt.Sprintf("POST /v1/completions HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", headerLines, len(body), body)
}

// Whatever is sent gets its status, memory stays flat, and the next request is served.
func TestHostileRequests(t *testing.T) {
	m, _ := fakeModel("demo", ids(t, "a")...)
	cases := map[string]struct {
		text string
		want int
	}{
		"10 MB line":        {post(`{"prompt":"` + strings.Repeat("x", 10<<20) + `"}`), 413},
		"endless body":      {"POST /v1/completions HTTP/1.1\r\n" + headerLines + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n", 200), 413},
		"stalled body":      {"POST /v1/completions HTTP/1.1\r\n" + headerLines + "Content-Length: 1000\r\n\r\n{", 408},
		"stalled, refused":  {"POST /v1/completions HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000\r\n\r\n{", 403},
		"stalled nowhere":   {"POST /nowhere HTTP/1.1\r\n" + headerLines + "Content-Length: 1000\r\n\r\n{", 404},
		"packed":            {strings.Replace(post(`{"prompt":"x"}`), "Host", "Content-Encoding: gzip\r\nHost", 1), 415},
		"slow headers":      {"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nX-A: ", 0},
		"large headers":     {"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", 431},
		"invalid UTF-8":     {post("{\"prompt\":\"\xff\xfe\"}"), 400},
		"10 000 stops":      {post(`{"prompt":"x","stop":["` + strings.Repeat(`a","`, 9999) + `"]}`), 400},
		"NaN":               {post(`{"prompt":"x","temperature":NaN}`), 400},
		"infinite":          {post(`{"prompt":"x","temperature":1e999}`), 400},
		"deep JSON":         {post(strings.Repeat(`{"a":[`, 100_000)), 400},
		"deep field":        {post(`{"prompt":"x","metadata":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`), 400},
		"duplicate key":     {post(`{"prompt":"x","prompt":"y"}`), 400},
		"duplicate inside":  {post(`{"prompt":"x","logit_bias":{"1":1,"\u0031"   :2}}`), 400},
		"other case":        {post(`{"PROMPT":"x"}`), 400},
		"cut":               {post(`{"prompt":"x"`), 400},
		"two values":        {post(`{"prompt":"x"}{}`), 400},
		"empty":             {post(``), 400},
		"huge id":           {post(`{"prompt":[99999999999999999999]}`), 400},
		"foreign host":      {"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		"host that begins":  {"GET /v1/models HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 403},
		"HTTP/1.0":          {"GET /health HTTP/1.0\r\n\r\n", 200},
		"no host":           {"GET /v1/models HTTP/1.1\r\n\r\n", 400},
		"an address":        {"GET /v1/models HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200},
		"foreign origin":    {strings.Replace(post(`{"prompt":"x"}`), "Host", "Origin: http://evil.example\r\nHost", 1), 403},
		"cross site":        {strings.Replace(post(`{"prompt":"x"}`), "Host", "Sec-Fetch-Site: cross-site\r\nHost", 1), 403},
		"a form":            {strings.Replace(post(`{"prompt":"x"}`), "application/json", "text/plain", 1), 415},
		"traversal":         {"GET /v1/models/../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 307},
		"encoded traversal": {"GET /v1/models/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
		"no such route":     {"GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
		"other method":      {"DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
		"no HTTP":           {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	}
	listening(t, m, Options{}, func(t *testing.T, s *Server, p *pipes, _ func() error) {
		serves := func(after string) {
			if got := raw(t, p, post(`{"prompt":"x","max_tokens":1}`)); got != http.StatusOK {
				t.Errorf("after %s the next request gets %d", after, got)
			}
		}
		serves("nothing")
		before := heap()
		for name, c := range cases {
			if got := raw(t, p, c.text); got != c.want {
				t.Errorf("%s: status %d, want %d", name, got, c.want)
			}
			serves(name)
		}
		if grown := heap() - before; grown > 4<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
	})
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Requests sent before the first is answered are answered in turn; idle connections take little and go after a minute.
func TestConnections(t *testing.T) {
	m, _ := fakeModel("demo", ids(t, "a")...)
	listening(t, m, Options{}, func(t *testing.T, s *Server, p *pipes, _ func() error) {
		c, err := p.dial()
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(c, strings.Repeat(post(`{"prompt":"x","max_tokens":1}`), 3))
		in := bufio.NewReader(c)
		for i := range 3 {
			r, err := http.ReadResponse(in, nil)
			if err != nil || r.StatusCode != http.StatusOK {
				t.Fatalf("request %d of three in a row: %v %v", i, r, err)
			}
			io.Copy(io.Discard, r.Body)
		}
		c.Close()
		idle := make(chan error, 500)
		before := heap()
		for range cap(idle) {
			c, err := p.dial()
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer c.Close()
				go io.WriteString(c, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
				in := bufio.NewReader(c)
				if r, err := http.ReadResponse(in, nil); err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("%v %v", r, err)
				} else {
					io.Copy(io.Discard, r.Body)
				}
				_, err := in.ReadByte()
				idle <- err
			}()
		}
		synctest.Wait()
		if grown := heap() - before; grown > 500*64<<10 {
			t.Errorf("500 idle connections take %d bytes", grown)
		}
		if got := raw(t, p, post(`{"prompt":"x","max_tokens":1}`)); got != http.StatusOK {
			t.Errorf("beside 500 idle connections: %d", got)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if len(idle) != cap(idle) {
			t.Errorf("after a minute %d of %d idle connections are closed", len(idle), cap(idle))
		}
	})
}
