package engine

import (
	"muninn/model/decode"
)

// For gives a session's options what a strategy needs on each of its sequences: room for exits, comparisons, outputs and
// rows, and the deepest of its core steps. MaxSteps of o is num_steps; its Context should be set.
func (o SessionOptions) For(s decode.Strategy) SessionOptions {
	n := max(o.Sequences, 1)
	o.Exits = o.Exits || s.Exit != nil
	width := 0 // rows of a task
	switch {
	case s.Speculative != nil:
		width = s.Speculative.Lookahead
		o.MaxSteps = max(o.MaxSteps, s.Speculative.DraftSteps)
	case s.Wave != nil:
		width = s.Wave.MaxWavefront
		if width == 0 {
			width = max(o.Context, 1)
		}
		o.MaxSteps = max(o.MaxSteps, s.Wave.InnerRecurrence)
	default:
		return o
	}
	if o.Context > 0 {
		width = min(width, o.Context)
	}
	o.Outputs = max(o.Outputs, n*width)
	if s.Wave != nil && s.Wave.Freeze.Compare() != decode.CompareNone {
		o.Compares = max(o.Compares, width)
	}
	if o.Rows > 0 || n*width > leastRows {
		o.Rows = max(o.Rows, n*width)
	}
	return o
}

// leastRows is the least that SessionOptions.Rows is by default.
const leastRows = 128
