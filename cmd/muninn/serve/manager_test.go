package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muninn/vk"
)

// several are models of one size each, in memory for so many; log is what happens to them, fail what their first openings fail with.
func several(memory uint64, names ...string) (m *Manager, log *[]string, fail map[string][]error) {
	log, fail = &[]string{}, map[string][]error{}
	var specs []Spec
	for _, name := range names {
		specs = append(specs, Spec{ID: name, Need: 10, Open: func(ctx context.Context, progress func(float64)) (*Model, error) {
			progress(0.5)
			time.Sleep(time.Second)
			if list := fail[name]; len(list) > 0 {
				fail[name] = list[1:]
				return nil, list[0]
			}
			model, _ := fakeModel(name, 1)
			return model, nil
		}})
	}
	var mu sync.Mutex
	return NewManager(specs, memory, func(text string, err error) {
		mu.Lock()
		defer mu.Unlock()
		text, _, _ = strings.Cut(text, " in ")
		*log = append(*log, text)
	}), log, fail
}

func wantLog(t *testing.T, log *[]string, want string) {
	t.Helper()
	synctest.Wait()
	if got := strings.Join(*log, ", "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	*log = nil
}

func take(t *testing.T, m *Manager, name string) (release func()) {
	t.Helper()
	model, _, release, err := m.Acquire(t.Context(), name)
	if err != nil || model.ID != name {
		t.Fatalf("%s: %v", name, err)
	}
	return release
}

// Models are opened when they are asked for, once however many ask; the least used goes where memory lacks; one in use stays.
func TestManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log, _ := several(25, "a", "b", "c")
		for range 5 {
			go func() { take(t, m, "a")() }()
		}
		time.Sleep(2 * time.Second)
		wantLog(t, log, "opened a")
		take(t, m, "b")()
		take(t, m, "a")()
		take(t, m, "c")() // b is the one longest unused
		wantLog(t, log, "opened b, closed b, opened c")
		a := take(t, m, "a")
		take(t, m, "b")() // a is in use
		wantLog(t, log, "closed c, opened b")
		a()
		if _, _, _, err := m.Acquire(t.Context(), "d"); AsError(err).Status != http.StatusNotFound {
			t.Errorf("a model that is not there: %v", err)
		}
		m.Close()
		if _, _, _, err := m.Acquire(t.Context(), "a"); err == nil {
			t.Error("a model of a closed manager")
		}
	})
}

// What waits for memory comes before what is asked for later, even of models that are open; who goes does not wait on.
func TestManagerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log, _ := several(10, "a", "b")
		a := take(t, m, "a")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if _, _, _, err := m.Acquire(ctx, "b"); !errors.Is(err, context.Canceled) {
				t.Errorf("one that left: %v", err)
			}
		}()
		synctest.Wait()
		cancel()
		order := make(chan string, 2)
		for _, name := range []string{"b", "a"} {
			go func() {
				release := take(t, m, name)
				order <- name
				release()
			}()
			synctest.Wait()
		}
		if len(order) > 0 {
			t.Errorf("%s is not waiting", <-order)
		}
		a()
		if first, second := <-order, <-order; first != "b" || second != "a" {
			t.Errorf("%s, then %s", first, second)
		}
		wantLog(t, log, "opened a, closed a, opened b, closed b, opened a")
		m.Close()
	})
}

// A model that cannot be opened is an error for all who wait, and is tried anew for the next after a pause; one whose device is lost is opened anew; where
// memory lacks against the plan, another one gives way.
func TestManagerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log, fail := several(100, "a", "b")
		fail["a"] = []error{errors.New("no"), errors.New("no")}
		fail["b"] = []error{fmt.Errorf("here: %w", vk.ErrOutOfMemory)}
		for _, wait := range []time.Duration{0, 0, openPause / 2, openPause} { // it is tried at the first and the last
			time.Sleep(wait)
			if _, _, _, err := m.Acquire(t.Context(), "a"); err == nil || err.Error() != "no" {
				t.Errorf("a model that cannot be opened: %v", err)
			}
		}
		time.Sleep(openPause)
		release := take(t, m, "a")
		wantLog(t, log, "cannot open a, cannot open a, opened a")
		model, _, other, _ := m.Acquire(t.Context(), "a")
		m.Broken(model)
		other()
		release()
		take(t, m, "a")()
		wantLog(t, log, "closed a, opened a")
		release = take(t, m, "a")
		fail["a"] = []error{vk.ErrDeviceLost, vk.ErrDeviceLost}
		model, _, other, _ = m.Acquire(t.Context(), "a")
		m.Broken(model)
		other()
		release()
		time.Sleep(time.Minute) // nobody asks: health says that it is of no use
		wantLog(t, log, "closed a, cannot open a, cannot open a, opened a")
		take(t, m, "b")()
		wantLog(t, log, "cannot open b, closed a, opened b")
		m.Close()
	})
}

// Health tells whether a model is open, and how far it is.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, _ := several(10, "a")
		s, err := New(Options{Models: m, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		go func() { take(t, m, "a")() }()
		synctest.Wait()
		if w := get(s, "/health"); w.Code != http.StatusServiceUnavailable || at(decoded(t, w), "progress") != 0.5 || w.Header().Get("Retry-After") == "" || at(decoded(t, w), "error", "code") != "loading" {
			t.Errorf("while loading: %d %s", w.Code, w.Body)
		}
		time.Sleep(2 * time.Second)
		if w := get(s, "/v1/health"); w.Code != http.StatusOK || at(decoded(t, w), "status") != "ok" {
			t.Errorf("then: %d %s", w.Code, w.Body)
		}
		m.Close()
	})
}
