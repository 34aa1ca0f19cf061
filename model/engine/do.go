package engine

import (
	"context"
	"fmt"
	"slices"

	"muninn/model/decode"
)

// Input is the next tokens of one sequence in a pass.
type Input struct {
	Seq    int
	Tokens []int32
	Pick   *decode.Filters // how the token after the last is picked; nil: greedy
}

// Do does tasks of different sequences together, each to its end. After an error, also of a cancelled context, sequences hold
// what whole chunks have added to them. The rows of the chunk under way are no longer live, nor are those before them that the task
// leaves out; others are as they were. A task whose rows begin, and start from none of the lost ones, may be done once more.
func (s *Session) Do(ctx context.Context, tasks ...*decode.Task) error {
	jobs := make([]*job, len(tasks))
	for i, a := range tasks {
		if slices.ContainsFunc(tasks[:i], func(b *decode.Task) bool { return b.Seq == a.Seq }) {
			return fmt.Errorf("model: two tasks for sequence %d at once", a.Seq)
		}
		if err := s.check(a); err != nil {
			return err
		}
		jobs[i] = newJob(a)
	}
	for len(jobs) > 0 {
		done, err := s.iterate(ctx, jobs)
		if err != nil {
			return err
		}
		jobs = slices.DeleteFunc(jobs, func(j *job) bool { return slices.Contains(done, j) })
	}
	return nil
}

// Forward runs the inputs through the model at num_steps = steps, and picks for each the token that follows its last. Rows of
// several sequences share the passes. On an error, also of a cancelled context, sequences hold what whole chunks have
// added to them.
func (s *Session) Forward(ctx context.Context, inputs []Input, steps int) ([]decode.Choice, error) {
	if len(inputs) == 0 {
		return nil, fmt.Errorf("model: a pass without inputs")
	}
	tasks := make([]*decode.Task, len(inputs))
	for i, in := range inputs {
		tasks[i] = s.next(in, steps)
		tasks[i].Outputs = min(1, len(in.Tokens))
	}
	if err := s.Do(ctx, tasks...); err != nil {
		return nil, err
	}
	choices := make([]decode.Choice, len(inputs))
	for i, a := range tasks {
		choices[i] = a.Choices[0]
	}
	return choices, nil
}

// ForwardLogits runs the inputs one after the other and reads back the logits after every one of their tokens, in order:
// (tokens, padded_vocab_size).
func (s *Session) ForwardLogits(ctx context.Context, inputs []Input, steps int) ([][]float32, error) {
	var all [][]float32
	for _, in := range inputs {
		a := s.next(in, steps)
		a.Outputs = len(in.Tokens)
		a.Logits = func(rows [][]float32) { all = append(all, rows...) }
		if err := s.Do(ctx, a); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// next asks for the tokens that follow those of a sequence.
func (s *Session) next(in Input, steps int) *decode.Task {
	a := &decode.Task{Seq: in.Seq, Last: true, Steps: steps, Pick: in.Pick}
	if in.Seq < 0 || in.Seq >= len(s.seqs) {
		return a // refused by check
	}
	q := &s.seqs[in.Seq]
	for i, t := range in.Tokens {
		r := decode.TaskRow{Pos: len(q.tokens) + i, Token: t, Begin: true}
		if i == 0 && q.setting.ContinuousCompute && q.liveAt(r.Pos-1) >= 0 {
			r.From = decode.FromNormed
		}
		a.Rows = append(a.Rows, r)
	}
	return a
}

// Prefill runs tokens of one sequence, a prompt or one that was picked, and picks the token that follows the last.
func (s *Session) Prefill(ctx context.Context, seq int, tokens []int32, steps int, pick *decode.Filters) (decode.Choice, error) {
	choices, err := s.Forward(ctx, []Input{{Seq: seq, Tokens: tokens, Pick: pick}}, steps)
	if err != nil {
		return decode.Choice{}, err
	}
	return choices[0], nil
}

// CoreSteps readies the tokens of one sequence, from its first position on, and returns a function that takes them one core
// step further: one pass of the core block over all of them, to be timed. It may be called MaxSteps times, and what the
// sequence held is lost.
func (s *Session) CoreSteps(ctx context.Context, tokens []int32) (step func() error, err error) {
	if len(tokens) > s.opt.Rows {
		return nil, fmt.Errorf("model: a core step of %d rows: this session's passes have up to %d", len(tokens), s.opt.Rows)
	}
	if err := s.Rewind(0, 0); err != nil {
		return nil, err
	}
	j := newJob(s.next(Input{Tokens: tokens}, s.opt.MaxSteps))
	if err := s.check(j.task); err != nil {
		return nil, err
	}
	if !s.grantPages(j.task, j.task.Rows) {
		return nil, s.short
	}
	s.admitChunk(j, len(tokens), 0) // has room: nothing is live
	s.last = s.cellsOf([]*job{j})
	p := &passes{s: s.scheduler}
	p.begin([]*job{j})
	p.steps([]*job{j}, 1)
	last := p.keys[len(p.keys)-1]
	p.keys = p.keys[:len(p.keys)-1]
	if err := p.run(ctx); err != nil {
		s.abandon([]*job{j})
		return nil, err
	}
	progs, err := s.all([]programKey{last})
	if err != nil {
		return nil, err
	}
	done := 0
	return func() error {
		if done++; done > s.opt.MaxSteps {
			return fmt.Errorf("model: core step %d: this session's cache holds %d", done, s.opt.MaxSteps)
		}
		return s.run(ctx, nil, progs...)
	}, nil
}
