// Package engine runs a model on a Vulkan device: weights, sessions, the scheduler of rows, and the memory that they take.
package engine

import (
	"cmp"
	"context"
	"fmt"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// SessionOptions size a session. Zero values take the defaults.
type SessionOptions struct {
	Sequences int            // sequences held side by side; 1
	Context   int            // positions of each sequence; block_size
	Positions int            // of all sequences together, in pages as they need them; texts that begin alike share theirs. 0: each has its whole context
	Unread    int            // under decode-last, positions that are read at once with every core step in a slot, the others having one; 0: all
	MaxSteps  int            // deepest num_steps; mean_recurrence. A compressed cache takes any depth
	Lookup    decode.Lookup  // cache lookup strategy; latest-m4
	KV        shaders.KVType // how keys and values are stored; float32
	Rows      int            // rows of a pass at most: longer prompts run in chunks; 512, on CPU devices 128
	Outputs   int            // rows of logits of a pass at most; Sequences
	Scores    int            // further ones, of tokens that are given (Request.Score); without them a prompt is scored in tasks of Outputs rows
	Exits     bool           // tasks may have an Exit: takes room for two more states a row
	Readouts  bool           // tasks may have a Readout: takes room for one more state a row
	Compares  int            // rows of a task whose states may be compared

	// StepsPerSubmit bounds the core steps of one submission; 0: as many as the time budget of a submission takes.
	StepsPerSubmit int
	// Taps is called after each pass with every named tensor of it, row by row; passes are recorded anew each time.
	Taps func(name string, rows [][]float32)
}

// Session is a number of sequences and their KV cache: mutable timelines over one Model. It is not safe for concurrent use.
type Session struct{ *scheduler }

// NewSession allocates the cache and the activations.
func (m *Model) NewSession(o SessionOptions) (*Session, error) {
	o, err := o.fill(m.Config, m.dev.Caps())
	if err != nil {
		return nil, err
	}
	x := newOnDevice(weights.NewMemory(m.dev, "session"), m.Config, o)
	s := &Session{newScheduler(m, o, x)}
	if x.mem.Err != nil {
		s.Close()
		return nil, x.mem.Err
	}
	return s, nil
}

// fill puts defaults where options are zero, and checks them all.
func (o SessionOptions) fill(c arch.Config, caps vk.Caps) (SessionOptions, error) {
	o.Sequences = cmp.Or(o.Sequences, 1)
	o.Context = cmp.Or(o.Context, c.BlockSize)
	o.MaxSteps = cmp.Or(o.MaxSteps, c.MeanRecurrence)
	if o.Lookup.Rule == 0 {
		var err error
		if o.Lookup, err = decode.ParseLookup(decode.DefaultLookup, c.NLayersInRecurrentBlock); err != nil {
			return o, err
		}
	}
	if o.Lookup.DecodeLast && o.Unread > 0 && o.Positions == 0 {
		o.Positions = o.Sequences * shaders.PagesOf(o.Context) * shaders.PagePositions
	}
	if o.Positions > 0 { // more a sequence could not have
		o.Context = min(o.Context, shaders.PagesOf(o.Positions)*shaders.PagePositions)
	}
	if o.Rows == 0 {
		o.Rows = shaders.Tune(caps, 0, shaders.Options{}).PassRows
	}
	o.Rows = max(min(o.Rows, o.Sequences*o.Context), o.Sequences)
	o.Outputs = min(cmp.Or(o.Outputs, o.Sequences), o.Rows)
	o.Scores = min(o.Scores, o.Rows-o.Outputs)
	o.Compares = min(o.Compares, o.Rows)
	switch {
	case o.Sequences < 1 || o.Outputs < 1 || o.Rows < 1 || o.Scores < 0:
		return o, fmt.Errorf("model: session of %d sequences, %d rows, %d outputs, %d scores: each must be at least 1, scores 0", o.Sequences, o.Rows, o.Outputs, o.Scores)
	case o.Context < 1 || o.Context > c.BlockSize:
		return o, fmt.Errorf("model: context of %d positions: the model was trained for up to %d (block_size)", o.Context, c.BlockSize)
	case o.Positions < 0 || o.Unread < 0:
		return o, fmt.Errorf("model: room for %d positions, %d of them unread: want 0 or more", o.Positions, o.Unread)
	case o.MaxSteps < 0:
		return o, fmt.Errorf("model: num_steps %d: must not be negative", o.MaxSteps)
	case o.Sequences > maxCells/o.Context:
		return o, fmt.Errorf("model: %d sequences of %d positions: more than %d in all", o.Sequences, o.Context, maxCells)
	}
	return o, nil
}

// maxCells keeps cell numbers and row tables within 32 bits with room to spare.
const maxCells = 1 << 24

// SetSequence sets how the tokens of sequence seq start from here on.
func (s *Session) SetSequence(seq int, setting decode.Sequence) {
	q := &s.seqs[seq]
	if !sameStart(q.setting, setting) {
		q.history.Forget()
	}
	q.setting = setting
}

// Pos is the number of tokens that sequence seq holds: the position of its next token.
func (s *Session) Pos(seq int) int { return len(s.seqs[seq].tokens) }

// Tokens are the tokens that sequence seq holds.
func (s *Session) Tokens(seq int) []int32 { return s.seqs[seq].tokens }

// cells is how many rows may be live: those of a pass, and the last of each sequence.
func (o SessionOptions) cells() int { return o.Rows + o.Sequences }

// logits is how many rows of logits a pass has at most.
func (o SessionOptions) logits() int { return o.Outputs + o.Scores }

// Lookup is the cache lookup strategy.
func (s *Session) Lookup() decode.Lookup { return s.opt.Lookup }

// Context is the number of positions of each sequence.
func (s *Session) Context() int { return s.opt.Context }

// Rows is the number of rows of a pass at most.
func (s *Session) Rows() int { return s.opt.Rows }

// Outputs is the number of rows of logits of a pass at most.
func (s *Session) Outputs() int { return s.opt.Outputs }

// Rewind drops the tokens of sequence seq from position pos on.
func (s *Session) Rewind(seq, pos int) error {
	q := &s.seqs[seq]
	if pos < 0 || pos > len(q.tokens) {
		return fmt.Errorf("model: rewind of sequence %d to position %d: it holds %d tokens", seq, pos, len(q.tokens))
	}
	s.drop(seq, pos)
	q.tokens, q.lastOnly = q.tokens[:pos], min(q.lastOnly, pos)
	s.dropPages(seq, pos)
	return nil
}

// Close frees the session's memory and programs.
func (s *Session) Close() {
	s.recordings.free()
	s.mem.Free()
}

// Engine is the session as strategies take it, for tasks until ctx is done.
func (s *Session) Engine(ctx context.Context) decode.Engine { return sessionEngine{s, ctx} }

type sessionEngine struct {
	*Session
	ctx context.Context
}

func (e sessionEngine) Do(a *decode.Task) error { return e.Session.Do(e.ctx, a) }

// Generate runs a request on sequence seq of the session. emit is called for each token as it is decided; a last call with
// Token.Token -1 hands out text still held back, if any. An error of emit ends the run.
func (m *Model) Generate(ctx context.Context, s *Session, seq int, req decode.Request, emit func(decode.Token) error) (decode.Outcome, error) {
	return decode.Generate(s.Engine(ctx), m.Tokenizer, seq, req, emit)
}

// For gives a session's options what a strategy needs on each of its sequences: room for exits, comparisons, outputs and
// rows, and the deepest of its core steps. MaxSteps of o is num_steps; its Context should be set.
func (o SessionOptions) For(s decode.Strategy) SessionOptions {
	n := max(o.Sequences, 1)
	o.Exits = o.Exits || s.Exit != nil
	o.Readouts = o.Readouts || s.Reads(o.Lookup).Kind != decode.ReadLast
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

// Sync rewinds sequence seq to the longest part of req.Prompt that it holds already and returns its length, for req.Held: the
// next turn of a chat then runs only what is new. At least the last token is left to run, since the next is picked from its
// logits, or those of whose logits the prompt's own are scored.
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
	if err := s.Rewind(seq, held); err != nil {
		return 0, err
	}
	return s.sharePages(seq, req, held), nil
}

// holds is how many of a request's first tokens a sequence need not run again.
func (s *Session) holds(q *sequence, req decode.Request) int {
	n := 0
	for n < min(len(q.tokens), req.Reusable()) && q.tokens[n] == req.Prompt[n] {
		n++
	}
	if n < req.Prefix {
		return 0 // what these saw is another text
	}
	return q.history.Stands(n, req, s.opt.Lookup)
}

// sameStart tells whether tokens are sure to start alike under both settings.
func sameStart(a, b decode.Sequence) bool {
	return a.Seed == b.Seed && a.Stream == b.Stream && a.InitScale == b.InitScale && a.States == nil && b.States == nil
}
