package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"muninn/model/decode"
	"muninn/vk"
)

// Loop runs requests from any goroutine on one session, side by side as a Batch does: each gives what it gives alone. It is
// the session's only user.
type Loop struct {
	session *Session
	batch   *Batch
	running map[*Stream]int // sequences; of the loop's goroutine alone
	ctx     context.Context // its cause is why the loop has ended
	stop    context.CancelCauseFunc
	done    chan struct{} // closed once all streams have ended
	free    sync.Once

	mu    sync.Mutex
	queue []*Stream // not begun, in the order of their coming
	most  int
	wake  chan struct{} // the queue is no longer empty
}

// LoopOptions say how a loop takes requests.
type LoopOptions struct {
	Queue int // requests that wait to begin at most; 0 means 64
}

// ErrLoopFull is wrapped by Submit when too many requests wait; ErrLoopClosed by whatever Close has ended or refused.
var (
	ErrLoopFull   = errors.New("loop full")
	ErrLoopClosed = errors.New("loop closed")
)

// NewLoop starts a loop on a session, which is the loop's from here on: Close closes it.
func NewLoop(s *Session, o LoopOptions) *Loop {
	l := &Loop{session: s, batch: NewBatch(s), running: map[*Stream]int{}, done: make(chan struct{}), most: cmp.Or(o.Queue, 64), wake: make(chan struct{}, 1)}
	l.ctx, l.stop = context.WithCancelCause(context.Background())
	go l.run()
	return l
}

// Submit queues a request and returns the stream of its tokens. Requests begin in the order of their coming, each on a free
// sequence that holds much of its prompt already, from a request before with the same setting (Session.Sync), or else the one longest
// idle. When ctx ends, so does the request, after the iteration under way. Its callbacks run on the loop's goroutine.
//
// When too many wait it returns an error at once, which wraps ErrLoopFull: a server can tell its client to come back, and whoever would
// rather wait is no longer than the queue.
func (l *Loop) Submit(ctx context.Context, req decode.Request, setting decode.Sequence) (*Stream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, cancelled(ctx)
	case l.ctx.Err() != nil:
		return nil, context.Cause(l.ctx)
	case len(l.queue) >= l.most:
		return nil, fmt.Errorf("model: %w: %d requests wait already; try again later", ErrLoopFull, len(l.queue))
	}
	req.Prompt = slices.Clone(req.Prompt)
	s := newStream(ctx, req, setting)
	l.queue = append(l.queue, s)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return s, nil
}

// Close ends the requests that are running or waiting, with ErrLoopClosed, waits for that and closes the session.
func (l *Loop) Close() {
	l.stop(fmt.Errorf("model: %w", ErrLoopClosed))
	<-l.done
	l.free.Do(l.session.Close)
}

// run is the loop's goroutine.
func (l *Loop) run() {
	defer close(l.done)
	for l.ctx.Err() == nil {
		l.join()
		for s, seq := range l.running {
			if s.ctx.Err() != nil {
				l.batch.Remove(seq)
			}
		}
		if l.batch.Len() == 0 {
			select {
			case <-l.wake:
			case <-l.ctx.Done():
			}
			continue
		}
		if err := l.batch.Step(l.ctx); errors.Is(err, vk.ErrDeviceLost) {
			l.stop(err)
		}
	}
	for _, seq := range l.running {
		l.batch.Remove(seq)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.queue {
		s.finish(decode.Outcome{}, l.why(s))
	}
	l.queue = nil
}

// join begins requests that wait, as far as there are free sequences, and ends those that have been cancelled.
func (l *Loop) join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.DeleteFunc(l.queue, func(s *Stream) bool {
		switch {
		case s.ctx.Err() != nil:
			s.finish(decode.Outcome{}, l.why(s))
		case len(l.batch.free) > 0:
			l.begin(s)
		default:
			return false
		}
		return true
	})
}

func (l *Loop) begin(s *Stream) {
	seq, err := l.batch.Add(s.req, s.setting, s.push, func(out decode.Outcome, err error) {
		delete(l.running, s)
		if errors.Is(err, errLeft) {
			err = l.why(s)
		}
		s.finish(out, err)
	})
	if err != nil {
		s.finish(decode.Outcome{}, err)
		return
	}
	l.running[s] = seq
}

// why says why a request ended before it was done.
func (l *Loop) why(s *Stream) error {
	if s.ctx.Err() != nil {
		return cancelled(s.ctx)
	}
	return context.Cause(l.ctx)
}

func cancelled(ctx context.Context) error {
	return fmt.Errorf("model: the request was cancelled: %w", ctx.Err())
}

// Stream is what comes of a request in a Loop. One goroutine reads it.
//
// Tokens that nobody has read yet wait in the stream, of which there are no more than the context has positions. So a slow reader
// holds up nobody: a request that waited for it would keep its sequence, and its rows, from the others.
type Stream struct {
	ctx     context.Context // of the request
	cancel  context.CancelFunc
	req     decode.Request
	setting decode.Sequence

	mu     sync.Mutex
	more   *sync.Cond // a token has come, or the end
	unread []decode.Token
	ended  bool
	out    decode.Outcome
	err    error
}

func newStream(ctx context.Context, req decode.Request, setting decode.Sequence) *Stream {
	s := &Stream{req: req, setting: setting}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.more = sync.NewCond(&s.mu)
	return s
}

// Tokens yields the tokens that have not been read, as they are decided, until the request ends. A last one with Token.Token -1 hands
// out text still held back, if any. Breaking off cancels the request.
func (s *Stream) Tokens() iter.Seq[decode.Token] {
	return func(yield func(decode.Token) bool) {
		for {
			token, ok := s.next()
			if !ok {
				return
			}
			if !yield(token) {
				s.cancel()
				return
			}
		}
	}
}

// Outcome waits for the end of the request, passing over tokens that have not been read, and returns what came of it: an error that
// wraps the context's if it was cancelled, and ErrLoopClosed if the loop was closed.
func (s *Stream) Outcome() (decode.Outcome, error) {
	for range s.Tokens() {
	}
	return s.out, s.err
}

// next waits for a token; false: there are no more.
func (s *Stream) next() (token decode.Token, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.unread) == 0 {
		if s.ended {
			return token, false
		}
		s.more.Wait()
	}
	token, s.unread = s.unread[0], s.unread[1:]
	return token, true
}

// push adds a token.
func (s *Stream) push(token decode.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread = append(s.unread, token)
	s.more.Signal()
	return nil
}

// finish ends the stream.
func (s *Stream) finish(out decode.Outcome, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, s.err, s.ended = out, err, true
	s.more.Signal()
	s.cancel()
}
