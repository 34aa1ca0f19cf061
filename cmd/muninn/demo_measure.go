package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/shaders/plain"
)

// demoRun answers problems with the demo model and counts what that takes.
type demoRun struct {
	m    *engine.Model
	s    *engine.Session
	seed uint64

	passed func() // called after each pass

	promptTokens, tokens, coreSteps int
}

// thread is one problem being answered at one depth, on a sequence of the session.
type thread struct {
	problem demo.Problem
	seq     int
	steps   int     // num_steps of every token
	next    []int32 // to be read
	said    []string
	done    bool
}

// demoAnswer is a finished thread.
type demoAnswer struct {
	Steps  int      `json:"num_steps"`
	Tokens []string `json:"tokens"`
	Right  bool     `json:"right"`
}

func (t *thread) answer() demoAnswer {
	return demoAnswer{Steps: t.steps, Tokens: t.said, Right: t.problem.Check(strings.Join(t.said, "")) == nil}
}

// start puts a problem on a sequence. Threads of one stream begin from the same initial states.
func (r *demoRun) start(p demo.Problem, seq int, stream uint64, steps int) (*thread, error) {
	prompt, err := r.m.EncodePrompt(p.Text(), false)
	if err != nil {
		return nil, err
	}
	if err := r.s.Rewind(seq, 0); err != nil {
		return nil, err
	}
	r.s.SetSequence(seq, decode.Sequence{Seed: r.seed, Stream: stream, InitScale: 1})
	return &thread{problem: p, seq: seq, steps: steps, next: prompt}, nil
}

// advance lets each thread say one token. They share their passes, and so must have the same depth.
func (r *demoRun) advance(ctx context.Context, threads ...*thread) error {
	inputs := make([]engine.Input, len(threads))
	for i, t := range threads {
		inputs[i] = engine.Input{Seq: t.seq, Tokens: t.next}
		r.coreSteps += len(t.next) * t.steps
		if len(t.said) == 0 {
			r.promptTokens += len(t.next)
		}
	}
	choices, err := r.s.Forward(ctx, inputs, threads[0].steps)
	r.passed()
	if err != nil {
		return err
	}
	for i, t := range threads {
		id := choices[i].Token
		t.said = append(t.said, string(r.m.Tokenizer.Bytes(id)))
		t.next = []int32{id}
		// A value ends the answer; one that is longer than the whole chain spelled out is lost.
		t.done = strings.HasSuffix(t.said[len(t.said)-1], ";") || len(t.said) > t.problem.Hops+1
	}
	r.tokens += len(threads)
	return nil
}

// depths answers one problem at every depth side by side. In each round every column takes one core step's worth of
// time: a column of depth r says a token every r rounds. After each round frame is shown where they are.
func (r *demoRun) depths(ctx context.Context, p demo.Problem, frame func(threads []*thread, round int, last bool) error) ([]demoAnswer, error) {
	threads := make([]*thread, len(demoDepths))
	for i, steps := range demoDepths {
		var err error
		if threads[i], err = r.start(p, i, 0, steps); err != nil {
			return nil, err
		}
	}
	for round := 0; ; round++ {
		open := false
		for _, t := range threads {
			if round > 0 && round%t.steps == 0 && !t.done {
				if err := r.advance(ctx, t); err != nil {
					return nil, err
				}
			}
			open = open || !t.done
		}
		if err := frame(threads, round, !open); err != nil {
			return nil, err
		}
		if !open {
			break
		}
	}
	return cli.Each(threads, (*thread).answer), nil
}

// insideStep is the thought at the question after one core step.
type insideStep struct {
	Step   int     `json:"core_step"`
	Says   string  `json:"says"`   // what the coda makes of the state
	Change float64 `json:"change"` // ||s_t - s_(t-1)|| / ||s_t||
}

// inside runs the prompt at num_steps of 0 and up. Initial states are keyed by position, so each run goes one step
// further on the same way.
func (r *demoRun) inside(ctx context.Context, p demo.Problem) ([]insideStep, error) {
	var list []insideStep
	var before []float64
	for step := 0; step <= demoInside; step++ {
		t, err := r.start(p, 0, 0, step)
		if err != nil {
			return nil, err
		}
		rows := len(t.next)
		if err := r.advance(ctx, t); err != nil {
			return nil, err
		}
		latents, err := r.s.Latents(rows)
		if err != nil {
			return nil, err
		}
		state := plain.Widen(latents[rows-1])
		if step > 0 {
			change, _ := plain.Changed(state, before, before)
			list = append(list, insideStep{Step: step, Says: t.said[0], Change: change.Diff()})
		}
		before = state
	}
	return list, nil
}

// accuracy is how problems of each length fared at each depth: tables of (num_steps, hops).
type accuracy struct {
	Problems int         `json:"problems_per_cell"`
	Steps    []int       `json:"num_steps"`
	Hops     []int       `json:"hops"`
	AtOnce   [][]float64 `json:"value_at_once"` // share whose first token was the value
	Right    [][]float64 `json:"right"`         // share whose answer was right in the end
	Tokens   [][]float64 `json:"mean_tokens"`   // tokens until the value
}

func newAccuracy(problems int) accuracy {
	a := accuracy{Problems: problems, Steps: demoDepths}
	for h := 0; h <= demoMaxHops; h++ {
		a.Hops = append(a.Hops, h)
	}
	for range a.Steps {
		a.AtOnce = append(a.AtOnce, make([]float64, len(a.Hops)))
		a.Right = append(a.Right, make([]float64, len(a.Hops)))
		a.Tokens = append(a.Tokens, make([]float64, len(a.Hops)))
	}
	return a
}

// accuracy measures fresh problems of every length at every depth; step is told how many more are done.
func (r *demoRun) accuracy(ctx context.Context, rng *rand.Rand, problems int, step func(n int)) (accuracy, error) {
	a := newAccuracy(problems)
	for h, hops := range a.Hops {
		drawn := make([]demo.Problem, problems)
		for i := range drawn {
			var err error
			if drawn[i], err = demo.Draw(rng, hops); err != nil {
				return a, err
			}
		}
		for d, steps := range a.Steps {
			var once, right, tokens float64
			for from := 0; from < problems; from += demoBatch {
				batch := drawn[from:min(from+demoBatch, problems)]
				answers, err := r.batch(ctx, batch, uint64(h*problems+from), steps)
				if err != nil {
					return a, err
				}
				for _, x := range answers {
					tokens += float64(len(x.Tokens))
					if x.Right {
						right++
					}
					if x.Right && len(x.Tokens) == 1 {
						once++
					}
				}
				step(len(batch))
			}
			n := float64(problems)
			a.AtOnce[d][h], a.Right[d][h], a.Tokens[d][h] = once/n, right/n, tokens/n
		}
	}
	return a, nil
}

// batch answers problems side by side at one depth, each from the initial states of its own stream.
func (r *demoRun) batch(ctx context.Context, problems []demo.Problem, stream uint64, steps int) ([]demoAnswer, error) {
	threads := make([]*thread, len(problems))
	for i, p := range problems {
		var err error
		if threads[i], err = r.start(p, i, 1+stream+uint64(i), steps); err != nil {
			return nil, err
		}
	}
	for open := slices.Clone(threads); len(open) > 0; {
		if err := r.advance(ctx, open...); err != nil {
			return nil, err
		}
		open = slices.DeleteFunc(open, func(t *thread) bool { return t.done })
	}
	return cli.Each(threads, (*thread).answer), nil
}
