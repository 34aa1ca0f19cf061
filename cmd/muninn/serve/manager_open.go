package serve

import (
	"context"
	"errors"
	"time"

	"muninn/model/fit"
	"muninn/vk"
)

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
	if e.failure = err; errors.Is(err, context.Canceled) { // nobody waited
		e.failure = nil
	}
	e.failed = time.Now()
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
	if err != nil {
		e.progress = 0
		return err
	}
	e.model, e.broken, e.fresh = model, false, true
	m.use(e)
	return nil
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
	e.model, e.broken, e.progress = nil, false, 0
	m.mu.Unlock()
	model.Engine.Close()
	m.note("closed "+e.ID, nil)
	m.mu.Lock()
	m.change()
}
