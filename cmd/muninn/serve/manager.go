package serve

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Spec is a model that can be opened.
type Spec struct {
	ID   string
	Also []string // other names for it
	Need uint64   // device memory that it takes, in bytes
	// About is the model as it will be, before it is open.
	About *Model
	// Open opens it; progress is told how far that is, 0 to 1.
	Open func(ctx context.Context, progress func(float64)) (*Model, error)
}

// Manager opens models when they are asked for and closes the one that was not used for longest when another needs its memory.
type Manager struct {
	memory uint64 // for all models together
	note   func(text string, err error)

	mu      sync.Mutex
	entries []*entry
	waiting *entry        // is to be loaded, and waits for memory
	changed chan struct{} // closed when something has
	opening chan struct{} // taken while a model is opened: one at a time
	uses    int           // so far
	ctx     context.Context
	stop    context.CancelFunc
	closed  bool
}

type entry struct {
	Spec
	model    *Model
	broken   bool  // its device is lost
	users    int   // requests that have it
	wanted   int   // requests that wait for it
	fresh    bool  // nobody has had it since it was opened
	used     int   // when it was last: the number of that use
	load     *load // under way
	progress float64
	failure  error     // of the last opening; nil: it went well
	failed   time.Time // when
}

// openPause is how long a model that could not be opened is not tried again: whoever asks meanwhile is told the same, and need not wait for
// the whole of it to be read once more.
const openPause = 5 * time.Second

type load struct {
	done chan struct{}
	err  error
}

// NewManager manages models in so much memory. note is told of models that are opened or closed, or cannot be.
func NewManager(specs []Spec, memory uint64, note func(text string, err error)) *Manager {
	m := &Manager{memory: memory, note: note, changed: make(chan struct{}), opening: make(chan struct{}, 1)}
	m.ctx, m.stop = context.WithCancel(context.Background())
	for _, s := range specs {
		m.entries = append(m.entries, &entry{Spec: s})
	}
	return m
}

// find is the model of a name; the first one where that is empty.
func (m *Manager) find(name string) (e *entry, steps *int, err error) {
	id, steps := cutAlias(name)
	var ids []string
	for _, e := range m.entries {
		if id == "" || strings.EqualFold(id, e.ID) {
			return e, steps, nil
		}
		for _, also := range e.Also {
			if strings.EqualFold(id, also) {
				return e, steps, nil
			}
		}
		ids = append(ids, e.ID)
	}
	return nil, nil, &Error{Status: http.StatusNotFound, Type: typeRequest, Code: "model_not_found", Param: "model",
		Message: "there is no model " + clip([]byte(name)) + " here; models here: " + strings.Join(ids, ", ")}
}

// Acquire gives the model of a name, opened if it is not, and how to give it back; steps is the depth that the name asks for, if it does.
func (m *Manager) Acquire(ctx context.Context, name string) (model *Model, steps *int, release func(), err error) {
	e, steps, err := m.find(name)
	if err != nil {
		return nil, nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e.wanted++
	err = m.ready(ctx, e)
	if e.wanted--; err != nil {
		m.change()
		return nil, nil, nil, err
	}
	e.users++
	e.fresh = false
	release = sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		e.users--
		m.use(e)
		m.change()
	})
	return e.model, steps, release, nil
}

// ready waits until an entry's model is open. Where another waits for memory, it waits for that first: else one that is always
// asked for would never make room.
func (m *Manager) ready(ctx context.Context, e *entry) error {
	for {
		switch {
		case m.closed:
			return context.Canceled
		case e.model != nil && !e.broken && (m.waiting == nil || m.waiting == e || e.fresh):
			return nil
		case e.load == nil && e.failure != nil && time.Since(e.failed) < openPause:
			return e.failure
		case e.load == nil && (e.model == nil || e.broken):
			e.load = &load{done: make(chan struct{})}
			go m.open(e, e.load)
		}
		changed, l := m.changed, e.load
		if l == nil {
			l = &load{}
		}
		m.mu.Unlock()
		select {
		case <-l.done:
		case <-changed:
		case <-ctx.Done():
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-l.done:
			if l.err != nil {
				return l.err
			}
		default:
		}
	}
}

// use notes that an entry was used now.
func (m *Manager) use(e *entry) {
	m.uses++
	e.used = m.uses
}

// change tells those that wait.
func (m *Manager) change() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Broken has a model opened anew: its device is lost. It is opened at once, and tried until it is, for whoever asks by health whether he may
// come again.
func (m *Manager) Broken(model *Model) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.model == model && !e.broken {
			e.broken = true
			go m.reopen(e.ID)
		}
	}
}

func (m *Manager) reopen(id string) {
	for pause := openPause; ; pause = min(2*pause, time.Minute) {
		_, _, release, err := m.Acquire(m.ctx, id)
		if err == nil {
			release()
			return
		}
		select {
		case <-time.After(pause):
		case <-m.ctx.Done():
			return
		}
	}
}

// Status is what is known of a model.
type Status struct {
	ID       string
	About    *Model  // itself, or what is planned; nil: nothing is
	Open     bool    // it can be asked at once
	Progress float64 // of opening it, 0 to 1
}

// Status lists all models.
func (m *Manager) Status() (list []Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		list = append(list, Status{e.ID, cmp.Or(e.model, e.About), e.model != nil && !e.broken, e.progress})
	}
	return list
}

// Close closes all models.
func (m *Manager) Close() {
	m.stop()
	m.mu.Lock()
	m.closed = true
	m.change()
	m.mu.Unlock()
	m.opening <- struct{}{}
	defer func() { <-m.opening }()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.model != nil {
			m.close(e)
		}
	}
}
