package score

import (
	"context"
	"fmt"
	"math"
	"slices"

	"muninn/model/decode"
	"muninn/model/engine"
)

// Windows cuts the parts of a text that a context of so many positions does not hold: each window but the first goes on stride tokens,
// and scores those. 0 means half of the context. of has the index of each window's part. What cannot be cut is an error that wraps ErrItems and decode.ErrContextFull.
func (i Item) Windows(context, stride int) (all []Part, of []int, err error) {
	most := context + 1 // the last token need not run
	if stride <= 0 {
		stride = max(context/2, 1)
	}
	stride = min(stride, context)
	for k, p := range i.Parts {
		switch n := len(p.Tokens); {
		case n <= most:
			all, of = append(all, p), append(of, k)
			continue
		case i.Kind == Continuation:
			return nil, nil, fmt.Errorf("model: %w: %s:%d: context and continuation have %d tokens, the context of this run %d positions: %w; raise --ctx, or shorten it", ErrItems, i.File, i.Line, n, context, decode.ErrContextFull)
		case i.Kind == Choice:
			return nil, nil, fmt.Errorf("model: %w: %s:%d: context and choice %d have %d tokens, the context of this run %d positions: %w; raise --ctx, or shorten it", ErrItems, i.File, i.Line, k, n, context, decode.ErrContextFull)
		}
		for end, from := most, p.From; from < len(p.Tokens); end, from = end+stride, end {
			end = min(end, len(p.Tokens))
			first := max(end-most, 0)
			of = append(of, k)
			all = append(all, Part{Tokens: p.Tokens[first:end], From: from - first})
		}
	}
	return all, of, nil
}

// Result is what came of a part.
type Result struct {
	LogLikelihood float64 // of its scored tokens together, natural
	Greedy        bool    // each of them is the likeliest in its place
	Tokens        int     // scored

	Read, Held int // tokens that were to run, and how many of them were held
	CoreSteps  int // of all rows
}

// Options say how parts are scored.
type Options struct {
	Steps    int // num_steps
	Strategy decode.Strategy
	Lookup   decode.Lookup // of the loop's session
	Setting  decode.Sequence
	Parallel int // parts side by side
}

// request asks for a part's scores.
func (o Options) request(p Part) decode.Request {
	return decode.Request{Prompt: p.Tokens, Steps: o.Steps, Strategy: o.Strategy, Pick: decode.Filters{Greedy: true}, Score: true, ScoreFrom: p.From, Top: 1}
}

// Run scores parts, many at a time; what they begin with alike is read once, where the loop's session has pages. done is told of each, in the
// order of their ends. After an error the others are cancelled.
func Run(ctx context.Context, loop *engine.Loop, parts []Part, o Options, done func(part int, r Result)) error {
	type end struct {
		at, part int // in the queue, and of parts
		out      decode.Outcome
		err      error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan end)
	q := newQueue(parts, 4*o.Parallel, len(parts) > 0 && o.request(parts[0]).Shares(o.Lookup))
	var failed error
	for running := 0; ; running-- {
		for failed == nil && running < max(o.Parallel, 1) {
			at, ok := q.next()
			if !ok {
				break
			}
			part := q.order[at]
			stream, err := loop.Submit(ctx, o.request(parts[part]), o.Setting)
			if err != nil {
				failed = err
				cancel()
				break
			}
			running++
			go func() {
				out, err := stream.Outcome()
				ends <- end{at, part, out, err}
			}()
		}
		if running == 0 {
			return failed
		}
		e := <-ends
		q.state[e.at] = partDone
		var r Result
		if e.err == nil {
			r, e.err = resultOf(parts[e.part], e.out)
		}
		if e.err == nil {
			done(e.part, r)
		} else if failed == nil {
			failed = e.err
			cancel()
		}
	}
}

// resultOf adds up a part's scores.
func resultOf(p Part, out decode.Outcome) (Result, error) {
	r := Result{Greedy: true, Tokens: len(p.Tokens) - p.From, Read: len(p.Tokens) - 1, Held: out.Held, CoreSteps: out.RowSteps}
	for _, s := range out.Prompt[p.From:] {
		r.LogLikelihood += float64(s.LogProb)
		r.Greedy = r.Greedy && s.LogProb == s.Top[0].LogProb
	}
	if math.IsNaN(r.LogLikelihood) || math.IsInf(r.LogLikelihood, 0) {
		return r, fmt.Errorf("model: the log likelihood of %d tokens comes to %g: the weights or a kernel are broken; run `muninn check` on this device", r.Tokens, r.LogLikelihood)
	}
	return r, nil
}

// queue gives parts in the order of their tokens, so that those which begin alike come one after the other. One that could find what it begins with read already waits for
// the part that is about to read it.
type queue struct {
	parts   []Part
	order   []int // of parts
	alike   []int // how many tokens each of order begins alike with the one before
	state   []int8
	waiting []int // places in order
	ahead   int   // how many of these are looked at
}

const (
	partWaits int8 = iota
	partRuns
	partDone
)

func newQueue(parts []Part, ahead int, share bool) *queue {
	q := &queue{parts: parts, order: make([]int, len(parts)), alike: make([]int, len(parts)), state: make([]int8, len(parts)), ahead: ahead}
	for i := range parts {
		q.order[i] = i
		q.waiting = append(q.waiting, i)
	}
	if !share {
		return q
	}
	slices.SortStableFunc(q.order, func(a, b int) int { return slices.Compare(parts[a].Tokens, parts[b].Tokens) })
	for i := 1; i < len(parts); i++ {
		a, b := parts[q.order[i-1]].Tokens, parts[q.order[i]].Tokens
		for n := &q.alike[i]; *n < min(len(a), len(b)) && a[*n] == b[*n]; *n++ {
		}
	}
	return q
}

// next is the place of the next part; false: none, for now.
func (q *queue) next() (at int, ok bool) {
	for i, at := range q.waiting[:min(q.ahead, len(q.waiting))] {
		if !q.soon(at) {
			copy(q.waiting[1:], q.waiting[:i])
			q.waiting, q.state[at] = q.waiting[1:], partRuns
			return at, true
		}
	}
	return 0, false
}

// worthWaiting is how many tokens alike a part waits for: about a page of the cache.
const worthWaiting = 32

// soon tells whether what a part begins with is being read, and has not been read yet.
func (q *queue) soon(at int) bool {
	alike := min(q.alike[at], q.parts[q.order[at]].From-1)
	if alike < worthWaiting {
		return false
	}
	runs := false
	for i := at; i > 0 && q.alike[i] >= alike; i-- {
		switch q.state[i-1] {
		case partDone:
			return false
		case partRuns:
			runs = true
		}
	}
	return runs
}
