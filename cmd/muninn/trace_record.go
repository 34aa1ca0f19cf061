package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/model/store"
	"muninn/model/trace"
)

// recorder is an engine that takes the rows of each task through its core steps one by one, looking at states and logits, before
// it does the task itself. So what a strategy makes of it is what it makes of the engine below, exits included.
type recorder struct {
	decode.Engine
	x      *opened
	b      *trace.Builder
	prompt int // positions before this one are of the prompt
	paths  []*trace.Path
	bar    *cli.Progress // of core steps recorded
}

// Do records a task and does it.
func (r *recorder) Do(a *decode.Task) error {
	var paths []*trace.Path
	err := r.walk(a, func(i int, initial []float32) *trace.Path {
		row := a.Rows[i]
		p := r.b.Token(row.Pos, row.Token, row.Pos < r.prompt, initial)
		paths = append(paths, p)
		return p
	})
	if err != nil {
		return err
	}
	if err := r.Engine.Do(a); err != nil {
		return err
	}
	for _, p := range paths {
		p.Exit(a.Taken)
	}
	r.paths = append(r.paths, paths...)
	return nil
}

// walk takes the rows of a task through all its core steps and feeds the paths that begin makes of their initial states.
func (r *recorder) walk(a *decode.Task, begin func(i int, initial []float32) *trace.Path) error {
	n := len(a.Rows)
	// A row that starts from the one before needs that to stay.
	task := decode.Task{Seq: a.Seq, Rows: append([]decode.TaskRow(nil), a.Rows...), Noise: a.Noise, Draw: a.Draw, Keep: a.Rows[0].From != decode.FromInitial}
	var paths []*trace.Path
	for k := 0; k <= a.Steps; k++ {
		var logits [][]float32
		one := task
		one.Logits = func(rows [][]float32) { logits = append(logits, rows...) }
		if k > 0 {
			one.Steps, one.Outputs = 1, n
			for i := range one.Rows {
				one.Rows[i].Begin, one.Rows[i].From, one.Rows[i].Step, one.Rows[i].Mix = false, decode.FromOwn, k-1, 0
			}
		}
		if err := r.Engine.Do(&one); err != nil {
			return err
		}
		states, err := r.x.session.Latents(n)
		if err != nil {
			return err
		}
		for i, state := range states {
			if k == 0 {
				paths = append(paths, begin(i, state))
				continue
			}
			paths[i].Step(state, logits[i])
		}
		if k > 0 {
			r.bar.Add(1)
		}
	}
	return nil
}

// record decodes the prompt and makes the trace.
func (o *traceOptions) record(ctx context.Context, s *cli.Streams, x *opened, p plan) (*trace.Trace, error) {
	about := trace.Trace{Model: store.Name(o.Model), Device: describe(x.Device().Caps()), Criterion: noCriterion, MaxSteps: p.request.Steps}
	var err error
	if about.Run, err = o.settings(ctx, s, x, p); err != nil {
		return nil, err
	}
	if exit := p.request.Strategy.Exit; exit != nil {
		about.Criterion, about.Threshold = string(exit.Criterion), exit.Limit()
	}
	options := trace.Options{Width: x.Config.NEmbd, Components: o.Components}
	if x.Tokenizer != nil {
		options.Text = x.Tokenizer.Bytes
		for _, id := range p.request.Prompt {
			about.Prompt += string(x.Tokenizer.Bytes(id))
		}
	}
	b, err := trace.NewBuilder(about, options)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	chunks := (len(p.request.Prompt) + x.session.Rows() - 1) / x.session.Rows()
	bar := cli.NewProgress(s, "core steps recorded, at most", int64(p.request.Steps*(chunks+o.MaxTokens-1+o.Starts)), false)
	x.reading.Done()
	defer bar.Done()
	x.session.SetSequence(0, p.state)
	r := &recorder{Engine: x.session.Engine(ctx), x: x, b: b, prompt: len(p.request.Prompt), bar: bar}
	tokens := 0
	out, err := x.GenerateOn(r, 0, p.request, func(token decode.Token) error {
		if token.Token >= 0 {
			tokens++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if o.Starts > 0 && !o.ContinuousCompute {
		if err := o.recordStarts(r, p); err != nil {
			return nil, err
		}
	}
	t, err := b.Build()
	if err != nil {
		return nil, err
	}
	bar.Done()
	s.Note("trace: %d tokens of prompt and %d of answer (%s), %.1f s", len(p.request.Prompt), tokens, out.Finish, time.Since(start).Seconds())
	return t, nil
}

// recordStarts takes one token from the run's own initial state and from others.
func (o *traceOptions) recordStarts(r *recorder, p plan) error {
	pos := o.Token
	if pos < 0 {
		pos = len(p.request.Prompt) - 1
	}
	if pos >= len(r.paths) {
		return cli.Usage("--token %d: the text ended after position %d", pos, len(r.paths)-1)
	}
	token := r.x.session.Tokens(0)[pos]
	if err := r.Rewind(0, pos); err != nil {
		return err
	}
	for i := range o.Starts {
		setting := p.state
		setting.Seed += uint64(i)
		r.x.session.SetSequence(0, setting)
		a := &decode.Task{Rows: []decode.TaskRow{{Pos: pos, Token: token, Begin: true}}, Steps: p.request.Steps, Noise: p.request.Strategy.Noise}
		if err := r.walk(a, func(_ int, initial []float32) *trace.Path { return r.b.Start(r.paths[pos], setting.Seed, initial) }); err != nil {
			return err
		}
	}
	return nil
}

var errTraceFile = errors.New("cannot write the trace")

func traceFileError(name string, err error) error {
	return fmt.Errorf("%w to %s: %w; is the folder there, and not full?", errTraceFile, name, err)
}
