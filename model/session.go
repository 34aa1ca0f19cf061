package model

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"muninn/shaders"
	"muninn/vk"
)

// ErrContextFull is wrapped by errors of a pass whose tokens do not fit in the session's context.
var ErrContextFull = errors.New("context full")

// SessionOptions size a session. Zero values take the defaults.
type SessionOptions struct {
	Sequences int            // sequences held side by side; 1
	Context   int            // positions of each sequence; block_size
	MaxSteps  int            // deepest num_steps; mean_recurrence. A compressed cache takes any depth
	Lookup    Lookup         // cache lookup strategy; latest-m4
	KV        shaders.KVType // how keys and values are stored; float32
	Rows      int            // rows of a pass at most: longer prompts run in chunks; 512, on CPU devices 128
	Outputs   int            // rows of logits of a pass at most; Sequences

	// StepsPerSubmit bounds the core steps of one submission; 0: as many as the time budget of a submission takes.
	StepsPerSubmit int
	// Taps is called after each pass with every named tensor of it, row by row; passes are recorded anew each time.
	Taps func(name string, rows [][]float32)
}

// Session is a number of sequences and their KV cache: mutable timelines over one Model. It is not safe for concurrent use.
type Session struct {
	m   *Model
	opt SessionOptions

	arena, up, down *vk.Arena
	buf             buffers
	prelude         []shaders.Cache
	core            []shaders.Cache
	coda            []shaders.Cache
	io              exchange
	arrived         vk.Span // [1] counter of MatMulNorm
	attention       shaders.AttentionScratch
	programs        map[programKey]*vk.Program
	seqs            []sequence
	outputs         int // rows of logits of the last pass
}

// sequence is one timeline.
type sequence struct {
	tokens  []int32 // all tokens with a KV entry
	setting Sequence
	carried bool // Carry holds this sequence's last state
}

// Sequence is how a sequence's tokens start their recurrence.
type Sequence struct {
	Seed      uint64  // of the initial states and the draws
	Stream    uint64  // tells sequences of one seed apart
	InitScale float64 // times the standard deviation of the initial state; 0 starts from zeros. SetSequence's default is 1
	// States gives the initial state (n_embd) of a position instead of the generator.
	States func(pos int) []float32
	// ContinuousCompute starts each decoded token from the previous token's final state after ln_f.
	ContinuousCompute bool
}

// Choice is what the model makes of a row: the token picked to follow it, and how sure it was.
type Choice struct {
	Seq, Pos int   // the row
	Token    int32 // picked to follow it
	Steps    int   // core steps spent on the row
	Logit    float32
	LogProb  float32 // before temperature and filters
	Margin   float32 // largest logit minus the second largest
	Kept     int     // tokens that the filters left; 1 when greedy
}

// NewSession allocates the cache and the activations.
func (m *Model) NewSession(o SessionOptions) (*Session, error) {
	o, err := o.fill(m.Config, m.dev.Caps())
	if err != nil {
		return nil, err
	}
	s := &Session{m: m, opt: o, programs: map[programKey]*vk.Program{}, seqs: make([]sequence, o.Sequences)}
	for i := range s.seqs {
		s.seqs[i].setting = Sequence{Stream: uint64(i), InitScale: 1}
	}
	if err := s.allocate(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// fill puts defaults where options are zero, and checks them all.
func (o SessionOptions) fill(c Config, caps vk.Caps) (SessionOptions, error) {
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
		if o.Lookup, err = ParseLookup(DefaultLookup, c.NLayersInRecurrentBlock); err != nil {
			return o, err
		}
	}
	if o.Rows == 0 {
		o.Rows = 512
		if caps.IsCPU() {
			o.Rows = 128
		}
	}
	if o.Outputs == 0 {
		o.Outputs = o.Sequences
	}
	o.Rows = max(min(o.Rows, o.Sequences*o.Context), o.Sequences)
	o.Outputs = min(o.Outputs, o.Rows)
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

func (s *Session) allocate() error {
	c, o, dev := s.m.Config, s.opt, s.m.dev
	s.arena = dev.NewArena("session", vk.DeviceLocal)
	s.up = dev.NewArena("upload", vk.Upload)
	s.down = dev.NewArena("readback", vk.Readback)

	var err error
	tensor := func(t *shaders.Tensor, rows, cols int) {
		if err == nil {
			*t, err = shaders.NewTensor(s.arena, rows, cols)
		}
		if err == nil {
			err = dev.Fill(t.Span, 0) // the padding stays zero from here on
		}
	}
	b, d := &s.buf, c.NEmbd
	tensor(&b.Inputs, 2*o.Rows, d)
	tensor(&b.Given, o.Rows, d)
	tensor(&b.X, o.Rows, d)
	tensor(&b.Y, o.Rows, d)
	if err == nil {
		b.Y.Quant, err = s.arena.Alloc(shaders.QuantBytes(o.Rows, d))
	}
	tensor(&b.QKV, o.Rows, 3*d)
	tensor(&b.Q, o.Rows, shaders.Cache{Heads: c.NHeads, HeadDim: c.HeadDim}.QueryCols())
	tensor(&b.Attn, o.Rows, d)
	tensor(&b.Proj, o.Rows, d)
	tensor(&b.Hidden, o.Rows, c.IntermediateSize)
	tensor(&b.Out, o.Outputs, d)
	tensor(&b.Logits, o.Outputs, c.PaddedVocabSize)
	tensor(&b.Carry, o.Sequences, d)
	if err != nil {
		return err
	}
	b.State, b.Embeds = b.Inputs.From(0, o.Rows), b.Inputs.From(o.Rows, o.Rows)
	if err := s.allocateScratch(); err != nil {
		return err
	}
	if limit := dev.Caps().ShardLimit(); max(b.Logits.Span.Size(), b.Inputs.Span.Size(), b.Hidden.Span.Size(), b.QKV.Span.Size()) > limit {
		return fmt.Errorf("model: %d rows and %d outputs a pass need a buffer %w of %d bytes: use fewer", o.Rows, o.Outputs, shaders.ErrBindingLimit, limit)
	}

	cells := o.Sequences * o.Context
	depth, err := s.arena.Alloc(uint64(cells) * 4)
	if err != nil {
		return err
	}
	if err := dev.Fill(depth, 0); err != nil {
		return err
	}
	layers := func(n int, slots shaders.Slots) (list []shaders.Cache, err error) {
		for range n {
			l, err := shaders.NewCache(s.arena, c.NHeads, c.HeadDim, cells, o.KV, slots, depth, dev.Caps().ShardLimit())
			if err != nil {
				return nil, err
			}
			list = append(list, l)
		}
		return list, nil
	}
	one := shaders.Slots{Period: 1, Rule: shaders.RuleOne}
	if s.prelude, err = layers(c.NLayersInPrelude, one); err != nil {
		return err
	}
	shared, err := layers((c.NLayersInRecurrentBlock+o.Lookup.Blocks-1)/o.Lookup.Blocks, coreSlots(o))
	if err != nil {
		return err
	}
	for i := range c.NLayersInRecurrentBlock {
		s.core = append(s.core, shared[i/o.Lookup.Blocks])
	}
	if s.coda, err = layers(c.NLayersInCoda, one); err != nil {
		return err
	}
	return s.io.allocate(s)
}

// allocateScratch takes what operations share between workgroups. Counters begin at zero.
func (s *Session) allocateScratch() error {
	c := s.m.Config
	parts, arrived := shaders.AttentionScratchBytes(c.NHeads, c.HeadDim, s.opt.Context)
	for _, a := range []struct {
		span *vk.Span
		n    uint64
		zero bool
	}{{&s.arrived, 4, true}, {&s.attention.Parts, parts, false}, {&s.attention.Arrived, arrived, true}} {
		var err error
		if *a.span, err = s.arena.Alloc(a.n); err != nil {
			return err
		}
		if a.zero {
			if err := s.m.dev.Fill(*a.span, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// coreSlots is the strategy as the kernels take it: no more slots than the deepest row needs.
func coreSlots(o SessionOptions) shaders.Slots {
	slots := shaders.Slots{Every: o.Lookup.Every, Anchor: o.Lookup.Anchor, Period: o.Lookup.Period, Rule: shaders.Rule(o.Lookup.Rule)}
	if o.Lookup.Period == Uncompressed {
		slots.Period = o.Lookup.Slots(max(o.MaxSteps, 1))
	}
	return slots
}

// SetSequence sets how the tokens of sequence seq start from here on.
func (s *Session) SetSequence(seq int, setting Sequence) { s.seqs[seq].setting = setting }

// Pos is the number of tokens that sequence seq holds: the position of its next token.
func (s *Session) Pos(seq int) int { return len(s.seqs[seq].tokens) }

// Tokens are the tokens that sequence seq holds.
func (s *Session) Tokens(seq int) []int32 { return s.seqs[seq].tokens }

// Context is the number of positions of each sequence.
func (s *Session) Context() int { return s.opt.Context }

// Rows is the number of rows of a pass at most.
func (s *Session) Rows() int { return s.opt.Rows }

// Rewind drops the tokens of sequence seq from position pos on.
func (s *Session) Rewind(seq, pos int) error {
	q := &s.seqs[seq]
	if pos < 0 || pos > len(q.tokens) {
		return fmt.Errorf("model: rewind of sequence %d to position %d: it holds %d tokens", seq, pos, len(q.tokens))
	}
	q.carried = q.carried && pos == len(q.tokens)
	q.tokens = q.tokens[:pos]
	return nil
}

// Close frees the session's memory and programs.
func (s *Session) Close() {
	for _, p := range s.programs {
		p.Free()
	}
	s.programs = nil
	for _, a := range []*vk.Arena{s.arena, s.up, s.down} {
		if a != nil {
			a.Free()
		}
	}
	s.arena, s.up, s.down = nil, nil, nil
}

// Logits reads back the logits of the last pass, a row for each output in order: (outputs, vocab_size).
func (s *Session) Logits() ([][]float32, error) { return s.read(s.buf.Logits, s.outputs) }

// Latents reads back the final states of the first n rows of the last pass, before ln_f: (n, n_embd). For inspection:
// nothing else reads the state.
func (s *Session) Latents(n int) ([][]float32, error) { return s.read(s.buf.State, n) }

// Depths reads back how many core steps the cache stores for each position of sequence seq.
func (s *Session) Depths(seq int) ([]int, error) {
	n := uint64(s.Pos(seq))
	if n == 0 {
		return nil, nil
	}
	raw := make([]byte, 4*n)
	if err := s.m.dev.Read(s.core[0].Depth.Slice(uint64(seq*s.opt.Context)*4, 4*n), raw); err != nil {
		return nil, err
	}
	depths := make([]int, n)
	for i := range depths {
		depths[i] = int(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return depths, nil
}

func (s *Session) read(t shaders.Tensor, n int) ([][]float32, error) {
	raw := make([]byte, n*t.Stride*4)
	if n == 0 {
		return nil, nil
	}
	if err := s.m.dev.Read(t.First(n).Span, raw); err != nil {
		return nil, err
	}
	return tensorRows(t.First(n), raw), nil
}

func tensorRows(t shaders.Tensor, raw []byte) [][]float32 {
	rows := make([][]float32, t.Rows)
	for i := range rows {
		rows[i] = bytesToFloats(raw[i*t.Stride*4 : (i*t.Stride+t.Cols)*4])
	}
	return rows
}

// Prefill runs tokens of one sequence and picks the token that follows the last.
func (s *Session) Prefill(ctx context.Context, seq int, tokens []int32, steps int, pick *Sampling) (Choice, error) {
	choices, err := s.Forward(ctx, []Input{{Seq: seq, Tokens: tokens, Pick: pick}}, steps)
	if err != nil {
		return Choice{}, err
	}
	return choices[0], nil
}

// Decode runs one token of one sequence and picks the next.
func (s *Session) Decode(ctx context.Context, seq int, token int32, steps int, pick *Sampling) (Choice, error) {
	return s.Prefill(ctx, seq, []int32{token}, steps, pick)
}
