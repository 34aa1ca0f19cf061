package serve

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// begin sends a request and leaves its answer to be read.
func begin(t *testing.T, p *pipes, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := p.dial()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return c, bufio.NewReader(c)
}

const streamed = `{"prompt":"x","max_tokens":3,"stream":true}`

// While a prompt is read, a stream says every 15 seconds that it is alive.
func TestPings(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "abc")...)
	listening(t, m, Options{}, func(t *testing.T, _ *Server, p *pipes, _ func() error) {
		f.hold = make(chan struct{})
		c, in := begin(t, p, post(streamed))
		defer c.Close()
		go func() {
			time.Sleep(50 * time.Second)
			close(f.hold)
		}()
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r.Body)
		if n := bytes.Count(data, []byte(": ping\n\n")); n != 3 || len(events(t, bytes.NewReader(data))) != 4 {
			t.Errorf("%d pings in 50 seconds: %q", n, data)
		}
	})
}

// Who does not read his stream for half a minute is taken for gone.
func TestSlowReader(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "abc")...)
	listening(t, m, Options{}, func(t *testing.T, _ *Server, p *pipes, _ func() error) {
		c, _ := begin(t, p, post(streamed))
		defer c.Close()
		time.Sleep(writeTime + time.Second)
		synctest.Wait()
		if n := f.Stats().Running; n != 0 || m.places.len() != 0 {
			t.Errorf("%d requests run, %d places are taken", n, m.places.len())
		}
		c, in := begin(t, p, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
		defer c.Close()
		time.Sleep(writeTime + time.Second)
		synctest.Wait()
		if late, _ := io.ReadAll(in); len(late) > 0 {
			t.Errorf("metrics that nobody read still wait: %.40q", late)
		}
	})
}

// When the server stops, what runs has five seconds: what is done by then is whole, what is not ends with an error; nothing more begins.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		said  int // before
		ends  string
	}{{3 * time.Second, 0, "[DONE]"}, {time.Hour, 0, `"code":"stopping"`}, {time.Hour, 2, "data: {\"error\":{"}} {
		m, f := fakeModel("demo", ids(t, "abc")...)
		listening(t, m, Options{}, func(t *testing.T, s *Server, p *pipes, stop func() error) {
			f.hold = make(chan struct{})
			conn, in := begin(t, p, post(streamed))
			defer conn.Close()
			began := time.Now()
			go func() {
				select {
				case <-time.After(c.takes):
					close(f.hold)
				case <-time.After(time.Minute):
				}
			}()
			var body []byte
			var all sync.WaitGroup
			all.Go(func() {
				if r, err := http.ReadResponse(in, nil); err == nil {
					if body, _ = io.ReadAll(r.Body); r.StatusCode == http.StatusServiceUnavailable && r.Header.Get("Retry-After") == "" {
						t.Error("nobody is told when to come again")
					}
				}
			})
			for range c.said {
				f.hold <- struct{}{}
			}
			all.Go(func() {
				time.Sleep(time.Second)
				if w := get(s, "/health"); w.Code != http.StatusServiceUnavailable {
					t.Errorf("health while stopping: %d", w.Code)
				}
				if _, err := p.dial(); err == nil {
					t.Error("a connection is taken while stopping")
				}
			})
			if err := stop(); err != nil {
				t.Errorf("stopped with %v", err)
			}
			all.Wait()
			took := time.Since(began)
			parts := strings.Split(strings.TrimSpace(string(body)), "\n\n")
			if last := parts[len(parts)-1]; !strings.Contains(last, c.ends) || took > Grace+time.Second {
				t.Errorf("a request of %v: %q, after %v", c.takes, body, took)
			}
			time.Sleep(2 * time.Minute) // for the one that holds
		})
	}
}

// Keys are demanded where there are any, of all but who asks for health; logs have neither keys nor texts.
func TestKeys(t *testing.T) {
	var log bytes.Buffer
	m, f := fakeModel("demo", ids(t, "abc")...)
	s := serving(t, m, Options{Keys: []string{"first-key", "second-key"}, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	const body = `{"prompt":"a secret","max_tokens":1}`
	for _, c := range []struct {
		want    int
		headers []string
	}{
		{401, nil}, {401, []string{"Authorization", "Bearer wrong"}}, {401, []string{"Authorization", "Bearer "}}, {401, []string{"Authorization", "first-key"}}, {401, []string{"Authorization", "Bearer first-key,second-key"}},
		{200, []string{"Authorization", "Bearer first-key"}}, {200, []string{"X-Api-Key", "second-key"}},
	} {
		if w := ask(s, "/v1/completions", body, c.headers...); w.Code != c.want {
			t.Errorf("%v: %d, want %d", c.headers, w.Code, c.want)
		}
	}
	for path, want := range map[string]int{"/health": 200, "/v1/health": 200, "/metrics": 401, "/props": 401, "/v1/models": 401} {
		if w := get(s, path); w.Code != want {
			t.Errorf("%s without a key: %d, want %d", path, w.Code, want)
		}
	}
	if a, b := f.asked[0].Owner, f.asked[1].Owner; a == b {
		t.Errorf("two keys are one owner, %s", a)
	}
	if text := log.String(); strings.Contains(text, "key") && strings.Contains(text, "-key") || strings.Contains(text, "secret") || !strings.Contains(text, `"status":401`) || !strings.Contains(text, `"tokens":1`) {
		t.Errorf("the log is %s", text)
	}
}

// Pages of origins that are named may ask, others may not, and none may where none is named.
func TestOrigins(t *testing.T) {
	m, _ := fakeModel("demo", ids(t, "abc")...)
	for _, c := range []struct {
		named, origin string
		want          int
		allowed       string
	}{
		{"", "http://localhost:3000", 403, ""}, {"http://localhost:3000", "http://localhost:3000", 200, "http://localhost:3000"},
		{"http://localhost:3000", "http://localhost:3001", 403, ""}, {"http://localhost:3000", "null", 403, ""}, {"", "http://localhost", 200, ""},
	} {
		o := Options{}
		if c.named != "" {
			o.Origins = []string{c.named}
		}
		w := ask(serving(t, m, o), "/v1/completions", `{"prompt":"x","max_tokens":1}`, "Origin", c.origin)
		if w.Code != c.want || w.Header().Get("Access-Control-Allow-Origin") != c.allowed {
			t.Errorf("%q, with %q named: %d, allows %q", c.origin, c.named, w.Code, w.Header().Get("Access-Control-Allow-Origin"))
		}
	}
	for _, bad := range []string{"*", "localhost:3000", "http://a/b", "http://*.example"} {
		if _, err := New(Options{Models: NewManager(nil, 0, nil), Origins: []string{bad}}); err == nil {
			t.Errorf("origin %s is taken", bad)
		}
	}
}

// A path that is asked by another method is named with the one that it takes.
func TestMethods(t *testing.T) {
	m, _ := fakeModel("demo")
	w := get(serving(t, m, Options{}), "/v1/chat/completions")
	if w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Body.String(), "/v1/chat/completions takes POST, not GET") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

// A port that is taken is said so, with one that is not.
func TestListen(t *testing.T) {
	l, err := Listen("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err = Listen("127.0.0.1", l.Addr().(*net.TCPAddr).Port); err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), "--port") {
		t.Errorf("a port twice: %v", err)
	}
}

// What is printed can be opened, and an IPv4 address is not taken for IPv6's too.
func TestURL(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.2": "http://127.0.0.2:", "0.0.0.0": "http://127.0.0.1:"} {
		l, err := Listen(host, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if got := URL(l.Addr()); !strings.HasPrefix(got, want) || l.Addr().(*net.TCPAddr).IP.To4() == nil {
			t.Errorf("%s listens at %v, printed as %s", host, l.Addr(), got)
		}
	}
	for ip, want := range map[string]string{"::": "http://[::1]:80", "::1": "http://[::1]:80", "fe80::1": "http://[fe80::1]:80"} {
		if got := URL(&net.TCPAddr{IP: net.ParseIP(ip), Port: 80}); got != want {
			t.Errorf("%s is printed as %s, want %s", ip, got, want)
		}
	}
}
