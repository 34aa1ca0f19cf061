package serve

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"muninn/model/fit"
	"muninn/vk"
)

// Spec is a model that can be opened.
type Spec struct {
	ID   string
	Also []string // other names for it
	Need uint64   // device memory that it takes, in bytes
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
}

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
		Message: "there is no model " + clip([]byte(name)) + " here; there is " + strings.Join(ids, ", ")}
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

// open opens an entry's model, whoever asked for it.
func (m *Manager) open(e *entry, l *load) {
	m.opening <- struct{}{}
	defer func() { <-m.opening }()
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.makeRoom(e, false)
	for err == nil {
		if err = m.try(e); err == nil || !isMemory(err) || !m.othersOpen(e) {
			break
		}
		err = m.makeRoom(e, true) // more is taken than was planned, as by other programs
	}
	m.waiting = nil
	l.err, e.load = err, nil
	close(l.done)
	m.change()
}

// try opens an entry's model in the memory that there is.
func (m *Manager) try(e *entry) error {
	m.mu.Unlock()
	began := time.Now()
	model, err := e.Open(m.ctx, func(done float64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		e.progress = done
	})
	if err == nil {
		model.open()
		m.note("opened "+e.ID+" in "+time.Since(began).Round(time.Millisecond).String(), nil)
	} else {
		m.note("cannot open "+e.ID, err)
	}
	m.mu.Lock()
	if err == nil {
		e.model, e.broken, e.fresh = model, false, true
		m.use(e)
	}
	return err
}

func isMemory(err error) bool {
	return errors.Is(err, vk.ErrOutOfMemory) || errors.Is(err, fit.ErrDoesNotFit)
}

// makeRoom closes models that nobody uses until one more fits, least used first, and waits for those that are used. One of
// them at least, if oneMore.
func (m *Manager) makeRoom(e *entry, oneMore bool) error {
	for {
		taken := uint64(0)
		var idle *entry
		for _, o := range m.entries {
			if o.model == nil {
				continue
			}
			taken += o.Need
			free := o.users == 0 && !(o.fresh && o.wanted > 0) || o.broken && o == e
			if free && (idle == nil || o.used < idle.used) {
				idle = o
			}
		}
		switch {
		case m.closed || e.wanted == 0: // nobody waits any more
			return context.Canceled
		case e.model == nil && !oneMore && (taken+e.Need <= m.memory || taken == 0):
			return nil
		case idle != nil:
			m.close(idle)
			oneMore = false
		default:
			m.waiting = e
			changed := m.changed
			m.mu.Unlock()
			<-changed
			m.mu.Lock()
		}
	}
}

// othersOpen tells whether there is another model to close.
func (m *Manager) othersOpen(e *entry) bool {
	for _, o := range m.entries {
		if o != e && o.model != nil {
			return true
		}
	}
	return false
}

func (m *Manager) close(e *entry) {
	model := e.model
	e.model, e.broken = nil, false
	m.mu.Unlock()
	model.Engine.Close()
	m.note("closed "+e.ID, nil)
	m.mu.Lock()
	m.change()
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

// Broken has a model opened anew for the next request: its device is lost.
func (m *Manager) Broken(model *Model) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.model == model {
			e.broken = true
		}
	}
}

// Each calls f with each model; one that is not open is nil, and progress how far it is.
func (m *Manager) Each(f func(id string, model *Model, progress float64)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		f(e.ID, e.model, e.progress)
	}
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
