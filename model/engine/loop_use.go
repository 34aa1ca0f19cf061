package engine

import (
	"context"
	"slices"
)

// use is somebody's turn with the session.
type use struct {
	arrival int
	ctx     context.Context
	f       func(*Session) error
	done    chan error
}

// Use runs f with the session alone, once the requests that came before have ended; those that come later wait. It returns f's error, ctx's if that
// ends before f has begun, or why the loop has ended. f runs on the loop's goroutine; what it leaves in the sequences is lost.
func (l *Loop) Use(ctx context.Context, f func(*Session) error) error {
	u := &use{ctx: ctx, f: f, done: make(chan error, 1)}
	l.mu.Lock()
	if err := context.Cause(l.ctx); err != nil {
		l.mu.Unlock()
		return err
	}
	u.arrival = l.arrive()
	l.uses = append(l.uses, u)
	l.mu.Unlock()
	select {
	case err := <-u.done:
		return err
	case <-ctx.Done():
	}
	l.mu.Lock()
	i := slices.Index(l.uses, u)
	if i >= 0 {
		l.uses = slices.Delete(l.uses, i, i+1)
		l.arrive() // others need not wait for it
	}
	l.mu.Unlock()
	if i >= 0 {
		return cancelled(ctx)
	}
	return <-u.done // it has begun
}

// nextUse is the use whose turn it is, nil while a request is before it.
func (l *Loop) nextUse() *use {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.uses) == 0 || len(l.queue) > 0 && l.queue[0].arrival < l.uses[0].arrival {
		return nil
	}
	u := l.uses[0]
	l.uses = l.uses[1:]
	return u
}

// lend lets somebody use the session, whose sequences are empty before and after.
func (l *Loop) lend(u *use) error {
	err := u.ctx.Err()
	if err == nil {
		l.empty() // so that there are pages
		err = u.f(l.session)
		l.empty()
	}
	u.done <- err
	return err
}

// empty drops what the session's sequences hold.
func (l *Loop) empty() {
	for seq := range l.session.seqs {
		l.session.drop(seq, 0)
		_ = l.session.Rewind(seq, 0) // which it can
	}
}
