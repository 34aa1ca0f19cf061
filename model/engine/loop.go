package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"muninn/model/decode"
	"muninn/vk"
)

// Loop runs requests from any goroutine on one session, side by side as a Batch does: each gives what it gives alone. It is
// the session's only user.
type Loop struct {
	session *Session
	batch   *Batch
	running map[*Stream]int // their numbers in the batch; of the loop's goroutine alone
	ctx     context.Context // its cause is why the loop has ended
	stop    context.CancelCauseFunc
	done    chan struct{} // closed once all streams have ended
	free    sync.Once

	mu    sync.Mutex
	queue []*Stream // not begun, in the order of their coming
	turns []string  // owners of the requests begun lately
	stats LoopStats
	most  int
	wake  chan struct{} // the queue is no longer empty
}

// LoopStats count what a loop has done, and how full it is. Requests that have ended count with all that was done for them.
type LoopStats struct {
	Running, Waiting int
	Requests         uint64 // that ended, however
	Prompt, Held     uint64 // tokens of their prompts, and how many of these did not run, since they were held
	Tokens           uint64 // handed out
	CoreSteps        uint64 // of all rows
	GaveWay          uint64 // times that a request gave its pages up for others, to begin again
	KVUsed, KVAll    uint64 // bytes of the cache of keys and values
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

// Submit queues a request and returns the stream of its tokens. Requests begin in the order of their coming, but next comes that of the
// owner with the fewest under way, and of those the one who has not had a turn for longest; each on a free sequence that holds much of its prompt already, from a request before with the same
// setting (Session.Sync), or else the one longest idle, and once there are pages for its prompt. When ctx ends, so does the request, after the iteration under
// way. Its callbacks run on the loop's goroutine.
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
		err := safely(l.turn)
		if p := (*Panic)(nil); errors.Is(err, vk.ErrDeviceLost) || errors.As(err, &p) {
			l.stop(fmt.Errorf("%w: %w", ErrLoopFailed, err))
		}
	}
	for s, id := range l.running {
		_ = safely(func() error { l.batch.Remove(id); return nil }) // not while a bug is about
		if !s.over() {
			s.finish(decode.Outcome{}, l.why(s))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.queue {
		l.finish(s, decode.Outcome{}, l.why(s))
	}
	l.queue = nil
}

// turn has those leave that are cancelled and those begin that can, and runs an iteration, or waits for who comes.
func (l *Loop) turn() error {
	for s, seq := range l.running {
		if s.ctx.Err() != nil {
			l.batch.Remove(seq)
		}
	}
	l.join() // after what has left, of whose places and pages others may have need
	if l.batch.Len() > 0 {
		return l.batch.Step(l.ctx)
	}
	select {
	case <-l.wake:
	case <-l.ctx.Done():
	}
	return nil
}

// join begins requests that wait, as far as there are sequences and pages for them, and ends those that have been cancelled. None
// overtakes one that waits for pages.
func (l *Loop) join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.DeleteFunc(l.queue, func(s *Stream) bool {
		if s.ctx.Err() != nil {
			l.finish(s, decode.Outcome{}, l.why(s))
			return true
		}
		return false
	})
	for len(l.batch.free) > 0 && len(l.batch.parked) == 0 {
		i := l.next()
		if i < 0 || !l.batch.fits(l.queue[i].req, l.queue[i].setting) {
			break
		}
		s := l.queue[i]
		l.queue = slices.Delete(l.queue, i, i+1)
		l.turns = append(l.turns[max(len(l.turns)+1-turnsKept, 0):], s.req.Owner)
		l.begin(s)
	}
	l.stats.KVUsed, l.stats.KVAll = l.session.KVBytes()
	l.stats.Running, l.stats.GaveWay = l.batch.Len(), l.batch.gaveWay
}

// next is the place in the queue of the request to begin: the first of the owner with the fewest under way, or among such owners of the
// one whose turn is longest ago; then likewise of those that he asks for; -1: there is none.
func (l *Loop) next() (at int) {
	under, turn := map[string]int{}, map[string]int{} // of owners, and with those they ask for
	for s := range l.running {
		under[ownerOf(s.req.Owner)]++
		under[s.req.Owner]++
	}
	for i, name := range l.turns {
		turn[ownerOf(name)], turn[name] = i+1, i+1
	}
	before := func(a, b string) bool {
		x, y := ownerOf(a), ownerOf(b)
		return cmp.Or(under[x]-under[y], turn[x]-turn[y], under[a]-under[b], turn[a]-turn[b]) < 0
	}
	at = -1
	for i, s := range l.queue {
		if at < 0 || before(s.req.Owner, l.queue[at].req.Owner) {
			at = i
		}
	}
	return at
}

// ownerOf is the owner without whom he asks for, as no request is called.
func ownerOf(name string) string {
	owner, _, _ := strings.Cut(name, "/")
	return owner + "/"
}

// turnsKept is how many turns are remembered; whoever had none of them has waited for longest.
const turnsKept = 256

// none is the number of no request in a batch.
const none = -1

// begin and finish are called under l.mu.
func (l *Loop) begin(s *Stream) {
	emit := func(token decode.Token) error {
		if token.Token >= 0 {
			l.mu.Lock()
			l.stats.Tokens++
			l.mu.Unlock()
		}
		return s.push(token)
	}
	l.running[s] = none // should a bug end Add
	id, err := l.batch.Add(s.req, s.setting, emit, func(out decode.Outcome, err error) {
		delete(l.running, s)
		if errors.Is(err, errLeft) {
			err = l.why(s)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.stats.Running = len(l.running) // once it has ended, it is seen to have
		l.finish(s, out, err)
	})
	if err != nil {
		delete(l.running, s)
		l.finish(s, decode.Outcome{}, err)
		return
	}
	l.running[s] = id
}

func (l *Loop) finish(s *Stream, out decode.Outcome, err error) {
	l.stats.Requests++
	l.stats.CoreSteps += uint64(out.RowSteps)
	if err == nil {
		l.stats.Held += uint64(out.Held)
		l.stats.Prompt += uint64(len(s.req.Prompt))
	}
	s.finish(out, err)
}

// Stats returns what the loop has done so far.
func (l *Loop) Stats() LoopStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats := l.stats
	stats.Waiting = len(l.queue)
	return stats
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
