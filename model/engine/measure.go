package engine

import (
	"context"
	"fmt"
)

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
	prog, err := s.program(last)
	if err != nil {
		return nil, err
	}
	done := 0
	return func() error {
		if done++; done > s.opt.MaxSteps {
			return fmt.Errorf("model: core step %d: this session's cache holds %d", done, s.opt.MaxSteps)
		}
		return s.run(ctx, nil, prog)
	}, nil
}
