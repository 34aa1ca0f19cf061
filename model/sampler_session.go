package model

import "fmt"

// Session gives a session's options what the sampler needs on each of its sequences: room for exits, comparisons, outputs and
// rows, and the deepest of its core steps. MaxSteps of o is num_steps; its Context should be set.
func (s Sampler) Session(o SessionOptions) SessionOptions {
	n := max(o.Sequences, 1)
	o.Exits = o.Exits || s.Exit != nil
	width := 0 // rows of an ask
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
	if s.Wave != nil && s.Wave.Freeze.compare() != CompareNone {
		o.Compares = max(o.Compares, width)
	}
	if o.Rows > 0 || n*width > leastRows {
		o.Rows = max(o.Rows, n*width)
	}
	return o
}

// leastRows is the least that SessionOptions.Rows is by default.
const leastRows = 128

// Lookup names the cache lookup strategy that the sampler is meant for, with so many core blocks: the reference's own.
func (s Sampler) Lookup(coreBlocks int) string {
	if s.Wave != nil {
		// One slot: whoever looks at a position sees its newest state, however many core steps are behind either.
		return fmt.Sprintf("%s-compress-s%d", DefaultLookup, coreBlocks)
	}
	return DefaultLookup
}

// Fits says why a sampler cannot run under a lookup strategy at num_steps = steps, if so.
func (s Sampler) Fits(l Lookup, steps int) error {
	if s.Speculative == nil {
		return nil
	}
	return s.Speculative.fits(l, steps, 0)
}
