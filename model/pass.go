package model

import (
	"context"
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/vk"
)

// Input is the next tokens of one sequence in a pass.
type Input struct {
	Seq    int
	Tokens []int32
	Pick   *Sampling // how the token after the last is picked; nil: greedy
}

// Forward runs the inputs through the model at num_steps = steps, chunk by chunk, and picks for each the token that
// follows its last. Rows of several sequences share the passes. On an error, also of a cancelled context,
// sequences hold what whole chunks have added to them.
func (s *Session) Forward(ctx context.Context, inputs []Input, steps int) ([]Choice, error) {
	choices := make([]Choice, len(inputs))
	err := s.forward(ctx, inputs, steps, false, func(rows []rowRef) error {
		for i, r := range rows {
			c := s.io.choice(i)
			if c.Token == shaders.NoToken {
				return fmt.Errorf("model: the logits after position %d of sequence %d hold no number: the weights or a kernel are broken; run `muninn check` on this device", r.pos, r.seq)
			}
			choices[r.input] = Choice{Seq: r.seq, Pos: r.pos, Token: int32(c.Token), Steps: steps,
				Logit: c.Logit, LogProb: c.LogProb, Margin: c.Margin, Kept: int(c.Kept)}
		}
		return nil
	})
	return choices, err
}

// ForwardLogits runs the inputs as Forward does and reads back the logits after every one of their tokens, in order:
// (tokens, vocab_size). Passes are cut to the session's Outputs.
func (s *Session) ForwardLogits(ctx context.Context, inputs []Input, steps int) ([][]float32, error) {
	var all [][]float32
	err := s.forward(ctx, inputs, steps, true, func(rows []rowRef) error {
		logits, err := s.Logits()
		all = append(all, logits...)
		return err
	})
	return all, err
}

// rowRef is one row of a pass: token Tokens[at] of an input, at position pos of its sequence.
type rowRef struct{ input, seq, at, pos int }

func (s *Session) forward(ctx context.Context, inputs []Input, steps int, every bool, done func(outputs []rowRef) error) error {
	rows, err := s.rows(inputs, steps)
	if err != nil {
		return err
	}
	size := s.opt.Rows
	if every {
		size = s.opt.Outputs
	}
	for len(rows) > 0 {
		chunk := rows[:min(size, len(rows))]
		rows = rows[len(chunk):]
		var outs []rowRef
		var index []uint32
		for i, r := range chunk {
			if every || r.at == len(inputs[r.input].Tokens)-1 {
				outs, index = append(outs, r), append(index, uint32(i))
			}
		}
		if err := s.pass(ctx, inputs, chunk, outs, index, steps); err != nil {
			return err
		}
		for _, r := range chunk {
			q := &s.seqs[r.seq]
			q.tokens = append(q.tokens, inputs[r.input].Tokens[r.at])
			q.carried = q.setting.ContinuousCompute && r.at == len(inputs[r.input].Tokens)-1
		}
		if err := done(outs); err != nil {
			return err
		}
	}
	return nil
}

// rows checks the inputs and lists their rows.
func (s *Session) rows(inputs []Input, steps int) ([]rowRef, error) {
	if steps < 0 || steps > s.opt.MaxSteps && s.opt.Lookup.Period == Uncompressed {
		return nil, fmt.Errorf("model: num_steps %d: this session's cache holds 0 to %d core steps a position", steps, s.opt.MaxSteps)
	}
	if len(inputs) == 0 || len(inputs) > s.opt.Outputs {
		return nil, fmt.Errorf("model: a pass of %d inputs: this session gives 1 to %d outputs a pass", len(inputs), s.opt.Outputs)
	}
	seen := map[int]bool{}
	var rows []rowRef
	for i, in := range inputs {
		switch {
		case in.Seq < 0 || in.Seq >= len(s.seqs) || seen[in.Seq]:
			return nil, fmt.Errorf("model: input for sequence %d: a pass takes each of the session's %d sequences once at most", in.Seq, len(s.seqs))
		case len(in.Tokens) == 0:
			return nil, fmt.Errorf("model: input for sequence %d has no tokens", in.Seq)
		case len(in.Tokens) > s.opt.Context-s.Pos(in.Seq):
			return nil, fmt.Errorf("model: %w: %d tokens after the %d that sequence %d holds, in a context of %d positions; use a larger one (this model goes up to %d)",
				ErrContextFull, len(in.Tokens), s.Pos(in.Seq), in.Seq, s.opt.Context, s.m.Config.BlockSize)
		}
		seen[in.Seq] = true
		for at, token := range in.Tokens {
			if token < 0 || int(token) >= s.m.Config.PaddedVocabSize {
				return nil, fmt.Errorf("model: token id %d at position %d: this model's vocabulary has ids 0 to %d", token, s.Pos(in.Seq)+at, s.m.Config.PaddedVocabSize-1)
			}
			rows = append(rows, rowRef{input: i, seq: in.Seq, at: at, pos: s.Pos(in.Seq) + at})
		}
	}
	return rows, nil
}

// pass runs one chunk of rows. Row index[i] of the chunk is outs[i].
func (s *Session) pass(ctx context.Context, inputs []Input, rows, outs []rowRef, index []uint32, steps int) error {
	key := programKey{rows: len(rows), outputs: len(outs)}
	if err := s.putRows(inputs, rows, &key); err != nil {
		return err
	}
	s.putOutputs(inputs, outs, index, &key)
	s.outputs = len(outs)
	if s.opt.Taps != nil {
		return s.tappedPass(ctx, key, steps)
	}
	list, err := s.programsOf(key, steps)
	if err != nil {
		return err
	}
	return s.m.dev.Run(ctx, vk.RunOptions{PerSubmit: s.opt.StepsPerSubmit}, list...)
}

// putRows writes the row table, and the initial states that the caller gives.
func (s *Session) putRows(inputs []Input, rows []rowRef, key *programKey) error {
	d := s.m.Config.NEmbd
	table := make([]shaders.Row, len(rows))
	for i, r := range rows {
		q := &s.seqs[r.seq]
		k := SequenceKey(q.setting.Seed, q.setting.Stream)
		table[i] = shaders.Row{
			Token: uint32(inputs[r.input].Tokens[r.at]), Base: uint32(r.seq * s.opt.Context), Pos: uint32(r.pos),
			KeyLo: uint32(k), KeyHi: uint32(k >> 32),
			Scale: float32(s.m.Config.StateStd() * math.Sqrt(float64(d)) * q.setting.InitScale),
		}
		switch {
		case q.setting.ContinuousCompute && q.carried:
			table[i].Start = shaders.StartCarried(r.seq)
		case q.setting.States != nil:
			table[i].Start = shaders.StartGiven
			key.given = true
			state := q.setting.States(r.pos)
			if len(state) != d {
				return fmt.Errorf("model: initial state of position %d has %d values, want n_embd = %d", r.pos, len(state), d)
			}
			if err := s.io.putState(s, i, state); err != nil {
				return err
			}
		}
	}
	s.io.putRows(table)
	return nil
}

// putOutputs writes which rows have logits, and how the tokens that follow them are picked.
func (s *Session) putOutputs(inputs []Input, outs []rowRef, index []uint32, key *programKey) {
	filters := make([]shaders.Filter, len(outs))
	moves := make([]shaders.Move, len(outs))
	var edits []shaders.Edit
	var carry []shaders.Move
	for i, r := range outs {
		moves[i] = shaders.Move{From: index[i], To: uint32(i)}
		tokens := inputs[r.input].Tokens
		if r.at != len(tokens)-1 {
			continue
		}
		q := &s.seqs[r.seq]
		if q.setting.ContinuousCompute {
			carry = append(carry, shaders.Move{From: index[i], To: uint32(r.seq)})
		}
		pick := inputs[r.input].Pick
		if pick == nil {
			continue
		}
		inChunk := tokens[r.at-(r.pos-len(q.tokens)):]
		for _, e := range pick.Edits(slices.Concat(q.tokens, inChunk)) {
			edits = append(edits, shaders.Edit{Row: uint32(i), Token: uint32(e.Token), Scale: e.Scale, Add: e.Add})
		}
		if !pick.Greedy {
			filters[i] = pick.filter(Uniform(SequenceKey(pick.Seed, q.setting.Stream), r.pos))
			key.sampled = true
		}
	}
	key.edited, key.carried = len(edits) > 0, len(carry)
	s.io.putMoves(s.io.outputsUp, moves)
	s.io.putMoves(s.io.carryUp, carry)
	s.io.putFilters(filters)
	s.io.putEdits(edits)
}

// filter is the sampling as the device takes it, for a uniform number in (0, 1).
func (p *Sampling) filter(u float64) shaders.Filter {
	f := shaders.Filter{InverseTemperature: 1, TopK: uint32(p.TopK), TopP: float32(p.TopP), MinP: float32(p.MinP), U: float32(u), Enabled: 1}
	if p.Temperature != 0 {
		f.InverseTemperature = float32(1 / p.Temperature)
	}
	return f
}
