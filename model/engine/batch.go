package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"muninn/model/decode"
	"muninn/model/engine/pager"
)

// Batch runs requests side by side on the sequences of one session: whatever waits for a core step shares the pass over the
// weights, whatever its position, depth or strategy. Requests join between two iterations and leave when they are done, and none
// changes what another gives. It is not safe for concurrent use.
//
// A strategy runs as a coroutine that stops at each of its tasks. A step of the batch lets those go on whose tasks are done, and
// gives all tasks to the session for an iteration.
type Batch struct {
	s       *Session
	runs    []*batchRun // in the order of their coming
	parked  []*batchRun // that began and gave way to those before them
	tight   bool        // none has left since
	free    []int       // sequences without a request, the one longest idle first
	came    int         // requests so far
	gaveWay uint64      // times that one did
}

// batchRun is a request under way.
type batchRun struct {
	id      int // in the order of their coming
	req     decode.Request
	setting decode.Sequence
	emit    func(decode.Token) error
	end     func(decode.Outcome, error)
	given   []int32 // tokens handed out, -1 for the rest of the text

	seq    int
	resume func() (*decode.Task, bool)
	stop   func()
	job    *job  // the task that the strategy waits for
	err    error // what that came to
	out    decode.Outcome
	failed error
	gone   bool
}

// ErrBatchFull is wrapped by Add when every sequence of the session is taken.
var ErrBatchFull = errors.New("batch full")

// errLeft ends a strategy whose request was taken out.
var errLeft = errors.New("model: the request has been taken out of its batch")

// NewBatch makes a batch of a session's sequences, which must hold nothing that is still needed.
func NewBatch(s *Session) *Batch {
	b := &Batch{s: s}
	for seq := range s.seqs {
		b.free = append(b.free, seq)
	}
	return b
}

// Len is the number of requests under way, those included that have given way to others.
func (b *Batch) Len() int { return len(b.runs) + len(b.parked) }

// Add lets a request join. emit is called for each of its tokens, from within Step, and end when it is done, with what its
// strategy made of it; what is wrong with the request, end is told too. The setting says where its tokens start from: with the
// same one it gives the same tokens as alone. It returns the request's number, by which Remove knows it. The request takes a free sequence
// that holds much of the prompt already, from a request before (Sync), or else the one longest idle.
func (b *Batch) Add(req decode.Request, setting decode.Sequence, emit func(decode.Token) error, end func(decode.Outcome, error)) (id int, err error) {
	if len(b.free) == 0 {
		return 0, fmt.Errorf("model: %w: all %d sequences are taken; wait for one, or open a session with more", ErrBatchFull, len(b.s.seqs))
	}
	r := &batchRun{id: b.came, req: req, setting: setting, emit: emit, end: end}
	if err := b.start(r); err != nil {
		return 0, err
	}
	b.came++
	return r.id, nil
}

// start begins a request on a free sequence.
func (b *Batch) start(r *batchRun) (err error) {
	at := b.choose(r.req, r.setting)
	r.seq = b.free[at]
	b.s.SetSequence(r.seq, r.setting)
	req := r.req
	if req.Held, err = b.s.Sync(r.seq, req); err != nil {
		return err
	}
	emit := r.once()
	r.resume, r.stop = iter.Pull(func(yield func(*decode.Task) bool) {
		r.failed = safely(func() (err error) {
			r.out, err = decode.Generate(batchEngine{b.s, r, yield}, b.s.m.Tokenizer, r.seq, req, emit)
			return err
		})
	})
	b.free = slices.Delete(b.free, at, at+1)
	place, _ := slices.BinarySearchFunc(b.runs, r, func(x, y *batchRun) int { return x.id - y.id })
	b.runs = slices.Insert(b.runs, place, r)
	return nil
}

// choose gives the place in free of the sequence for a request.
func (b *Batch) choose(req decode.Request, setting decode.Sequence) (at int) {
	most := 0
	for i, seq := range b.free {
		q := &b.s.seqs[seq]
		held := b.s.holds(q, req)
		if held > most && 2*held >= min(len(q.tokens), len(req.Prompt)) && sameStart(q.setting, setting) {
			at, most = i, held
		}
	}
	return at
}

// Remove takes a request out; its end is told errors.Is(err, context.Canceled). It may be called from within the emit or end of another
// request. A request's own emit returns an error instead.
func (b *Batch) Remove(id int) {
	is := func(r *batchRun) bool { return r.id == id }
	if i := slices.IndexFunc(b.runs, is); i >= 0 {
		r := b.runs[i]
		r.failed = errLeft // should its strategy not have begun
		r.stop()
		b.leave(r)
	} else if i := slices.IndexFunc(b.parked, is); i >= 0 {
		r := b.parked[i]
		b.parked = slices.Delete(b.parked, i, i+1)
		r.failed = errLeft
		r.tell()
	}
}

// Step takes all requests one iteration further. After an error, also of a cancelled context, those that took part in the iteration end
// with it in the next step, or as cancelled if there is none.
func (b *Batch) Step(ctx context.Context) error {
	b.unpark()
	for _, r := range slices.Clone(b.runs) {
		for r.job == nil && !r.gone {
			task, ok := r.resume()
			if !ok {
				b.leave(r)
				break
			}
			if r.err = b.s.check(task); r.err == nil {
				r.job = newJob(task)
			}
		}
	}
	var jobs []*job
	for _, r := range b.runs { // but those that came meanwhile
		if r.job != nil {
			jobs = append(jobs, r.job)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	done, err := b.s.iterate(ctx, jobs)
	if errors.Is(err, errNoRoom) || errors.Is(err, pager.ErrNoPages) {
		b.giveWay(err)
		return nil
	}
	for _, r := range b.runs {
		if err != nil {
			r.job, r.err = nil, err
		}
		if slices.Contains(done, r.job) {
			r.job = nil
		}
	}
	return err
}

// Run takes steps until no request is left. On an error, also of a cancelled context, all are taken out.
func (b *Batch) Run(ctx context.Context) error {
	for b.Len() > 0 {
		if err := b.Step(ctx); err != nil {
			for _, r := range slices.Concat(b.runs, b.parked) {
				b.Remove(r.id)
			}
			return err
		}
	}
	return nil
}

// leave ends a request whose strategy has returned.
func (b *Batch) leave(r *batchRun) {
	b.vacate(r)
	b.tight = false
	r.tell()
}

// vacate frees a request's sequence, and keeps its text for others that begin alike.
func (b *Batch) vacate(r *batchRun) {
	r.gone = true
	b.runs = slices.DeleteFunc(b.runs, func(o *batchRun) bool { return o == r })
	b.free = append(b.free, r.seq)
	if r.job != nil {
		b.s.abandon([]*job{r.job})
	}
	b.s.drop(r.seq, 0)
	b.s.keepPages(r.seq)
}

// tell says how a request ended.
func (r *batchRun) tell() {
	if errors.Is(r.failed, errLeft) {
		r.failed = fmt.Errorf("%w: %w", r.failed, context.Canceled)
	}
	if r.end != nil {
		r.end(r.out, r.failed)
	}
}

// batchEngine is a request's share of the session.
type batchEngine struct {
	*Session
	run   *batchRun
	yield func(*decode.Task) bool
}

func (e batchEngine) Do(a *decode.Task) error {
	if !e.yield(a) {
		return errLeft
	}
	return e.run.err
}
