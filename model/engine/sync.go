package engine

import (
	"fmt"

	"muninn/model/decode"
)

// Sync rewinds sequence seq to the longest part of req.Prompt that it holds already and returns its length, for req.Held: the
// next turn of a chat then runs only what is new. At least the last token is left to run, since the next is picked from its
// logits.
//
// The tokens are those that a fresh session gives. So a position is kept only if it was run as the prompt's prefill runs it:
// at num_steps = req.Steps, from its own initial state (SetSequence), with the same noise, nothing mixed in, and all positions
// before it too. Tokens decoded plainly or by speculation at that depth were. Those that left sooner, started from the state of the one before or were
// part of a wave were not, and run again. Nothing is kept where a position's run depends on how its prompt is cut: with an exit for
// prefills, in a wave without one, or on a cache in which core steps share slots. Passes of other widths may round
// otherwise, as wherever rows share them.
func (s *Session) Sync(seq int, req decode.Request) (held int, err error) {
	if seq < 0 || seq >= len(s.seqs) {
		return 0, fmt.Errorf("model: sequence %d: this session has %d", seq, len(s.seqs))
	}
	q := &s.seqs[seq]
	held = s.holds(q, req)
	q.deltas, q.compared = 0, false
	s.drop(seq, 0)
	return held, s.Rewind(seq, held)
}

// holds is how many of a request's first tokens a sequence need not run again.
func (s *Session) holds(q *sequence, req decode.Request) int {
	n := 0
	for n < min(len(q.tokens), len(req.Prompt)-1) && q.tokens[n] == req.Prompt[n] {
		n++
	}
	return q.history.Stands(n, req, s.opt.Lookup)
}

// sameStart tells whether tokens are sure to start alike under both settings.
func sameStart(a, b decode.Sequence) bool {
	return a.Seed == b.Seed && a.Stream == b.Stream && a.InitScale == b.InitScale && a.States == nil && b.States == nil
}
