package serve

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"muninn/model/engine"
)

// A client that goes ends its request, running or not; more than may wait are told when to come again.
func TestQueue(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "abc")...)
	listening(t, m, Options{}, func(t *testing.T, s *Server, p *pipes, _ func() error) {
		f.hold = make(chan struct{})
		var conns []net.Conn
		for range m.Parallel + m.Queue {
			c, _ := begin(t, p, post(streamed))
			conns = append(conns, c)
		}
		again := httptest.NewRequest(http.MethodPost, "http://localhost/v1/completions", strings.NewReader(streamed))
		again.RemoteAddr = "pipe" // as of those before
		if w := do(s, again, "Content-Type", "application/json"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || at(decoded(t, w), "error", "code") != "overloaded" {
			t.Errorf("one too many: %d %v %s", w.Code, w.Header(), w.Body)
		}
		for _, c := range conns {
			c.Close()
		}
		synctest.Wait()
		if n := f.Stats().Running; n != 0 || m.places.len() != 0 {
			t.Errorf("%d requests run, %d places are taken, after their clients have gone", n, m.places.len())
		}
		close(f.hold)
		if got := raw(t, p, post(streamed)); got != http.StatusOK {
			t.Errorf("then: %d", got)
		}
	})
}

// A client who fills the queue makes room for another, up to half of it, with what has not begun: that is told to come again.
func TestQueueIsShared(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "abc")...)
	m.Queue = 4
	var log bytes.Buffer
	listening(t, m, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, s *Server, p *pipes, _ func() error) {
		f.hold = make(chan struct{})
		from := func(client string, answers chan int) {
			go func() {
				r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/completions", strings.NewReader(`{"prompt":"x","max_tokens":2,"user":"`+newID("")+`"}`))
				r.RemoteAddr = client
				w := do(s, r, "Content-Type", "application/json")
				if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
					t.Errorf("%s is not told when to come again", client)
				}
				answers <- w.Code
			}()
			synctest.Wait()
		}
		greedy, other := make(chan int, 100), make(chan int, 100)
		for range 7 {
			from("192.0.2.1:1", greedy)
		}
		f.hold <- struct{}{} // one of them begins
		synctest.Wait()
		for range 4 {
			from("192.0.2.2:1", other)
		}
		if len(greedy) != 1+3 || len(other) != 1 {
			t.Errorf("%d of 7 requests are refused to who fills 6 places, %d of 4 to another", len(greedy), len(other))
		}
		close(f.hold)
		synctest.Wait()
		served := func(answers chan int) (n int) {
			for range len(answers) {
				if <-answers == http.StatusOK {
					n++
				}
			}
			return n
		}
		if a, b := served(greedy), served(other); a != 3 || b != 3 {
			t.Errorf("%d and %d requests are answered, want 3 each", a, b)
		}
		if strings.Contains(log.String(), "ERROR") {
			t.Errorf("a full queue is logged as an error: %s", &log)
		}
	})
}

// Texts are tokenized once their requests have places; large ones one at a time, which keeps no small one waiting.
func TestLargeTextsTakeTurns(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "abc")...)
	large := `{"prompt":"x","max_tokens":1,"user":"` + strings.Repeat("u", largeText) + `"}`
	listening(t, m, Options{}, func(t *testing.T, s *Server, _ *pipes, _ func() error) {
		s.reading <- struct{}{}
		codes := make(chan int, 10)
		for range 2 {
			go func() { codes <- ask(s, "/v1/completions", large).Code }()
		}
		synctest.Wait()
		if w := ask(s, "/v1/completions", `{"prompt":"x","max_tokens":1}`); w.Code != http.StatusOK || m.places.len() != 2 || len(f.asked) != 1 {
			t.Errorf("beside two large ones: %d, %d places taken, %d asked", w.Code, m.places.len(), len(f.asked))
		}
		<-s.reading
		synctest.Wait()
		if a, b := <-codes, <-codes; a != http.StatusOK || b != http.StatusOK {
			t.Errorf("the large ones: %d and %d", a, b)
		}
		f.hold = make(chan struct{})
		for range m.Parallel + m.Queue {
			go func() { codes <- ask(s, "/v1/completions", `{"prompt":"x","max_tokens":1}`).Code }()
		}
		synctest.Wait()
		if w := ask(s, "/v1/completions", `{"prompt":[`+strings.Repeat("1,", 64)+`1]}`); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a prompt that is too long, to a full queue: %d %s", w.Code, w.Body)
		}
		close(f.hold)
		synctest.Wait()
	})
}

// A bug in a request ends that request, not the server, and is logged without what was asked.
func TestPanics(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "abc")...)
	f.fails = &engine.Panic{Value: "index out of range", Stack: []byte("goroutine 1")}
	var log strings.Builder
	s := serving(t, m, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if w := ask(s, "/v1/completions", `{"prompt":"tell nobody","max_tokens":1}`); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "index") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if text := log.String(); !strings.Contains(text, "index out of range") || !strings.Contains(text, "goroutine 1") || strings.Contains(text, "nobody") {
		t.Errorf("the log says %s", text)
	}
	f.fails = nil
	if w := ask(s, "/v1/completions", `{"prompt":"x","max_tokens":1}`); w.Code != http.StatusOK {
		t.Errorf("then %d %s", w.Code, w.Body)
	}
}
