// Package engine runs a model on a Vulkan device: weights, sessions, the scheduler of rows, and the memory that they take.
package engine

import (
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
	MaxSteps  int            // deepest num_steps; mean_recurrence. A compressed cache takes any depth
	Lookup    decode.Lookup  // cache lookup strategy; latest-m4
	KV        shaders.KVType // how keys and values are stored; float32
	Rows      int            // rows of a pass at most: longer prompts run in chunks; 512, on CPU devices 128
	Outputs   int            // rows of logits of a pass at most; Sequences
	Exits     bool           // tasks may have an Exit: takes room for two more states a row
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
	if o.Sequences == 0 {
		o.Sequences = 1
	}
	if o.Context == 0 {
		o.Context = c.BlockSize
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = c.MeanRecurrence
	}
	if o.Lookup.Rule == 0 {
		var err error
		if o.Lookup, err = decode.ParseLookup(decode.DefaultLookup, c.NLayersInRecurrentBlock); err != nil {
			return o, err
		}
	}
	if o.Rows == 0 {
		o.Rows = shaders.Tune(caps, 0, shaders.Options{}).PassRows
	}
	if o.Outputs == 0 {
		o.Outputs = o.Sequences
	}
	o.Rows = max(min(o.Rows, o.Sequences*o.Context), o.Sequences)
	o.Outputs = min(o.Outputs, o.Rows)
	o.Compares = min(o.Compares, o.Rows)
	switch {
	case o.Sequences < 1 || o.Outputs < 1 || o.Rows < 1:
		return o, fmt.Errorf("model: session of %d sequences, %d rows, %d outputs: each must be at least 1", o.Sequences, o.Rows, o.Outputs)
	case o.Context < 1 || o.Context > c.BlockSize:
		return o, fmt.Errorf("model: context of %d positions: the model was trained for up to %d (block_size)", o.Context, c.BlockSize)
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

// Lookup is the cache lookup strategy.
func (s *Session) Lookup() decode.Lookup { return s.opt.Lookup }

// Context is the number of positions of each sequence.
func (s *Session) Context() int { return s.opt.Context }

// Rows is the number of rows of a pass at most.
func (s *Session) Rows() int { return s.opt.Rows }

// Rewind drops the tokens of sequence seq from position pos on.
func (s *Session) Rewind(seq, pos int) error { return s.rewind(seq, pos) }

// Close frees the session's memory and programs.
func (s *Session) Close() {
	s.recordings.free()
	s.mem.Free()
}
