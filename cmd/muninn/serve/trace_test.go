package serve

import (
	"net/http"
	"strings"
	"testing"
)

// A trace that is not to wait is refused while another request runs.
func TestTraceAtOnce(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "a")...)
	f.hold = make(chan struct{})
	s := serving(t, m, Options{})
	done := make(chan int)
	go func() { done <- ask(s, "/v1/completions", `{"prompt":"a","max_tokens":2}`).Code }()
	f.hold <- struct{}{} // it runs
	if w := ask(s, "/v1/trace", `{"prompt":"a","max_tokens":2,"at_once":true}`); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "at_once") {
		t.Errorf("beside another: %d %s", w.Code, w.Body)
	}
	close(f.hold)
	if code := <-done; code != http.StatusOK {
		t.Errorf("the other: %d", code)
	}
}
