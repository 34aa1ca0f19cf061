package model

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
)

// flight is a row in flight: its state and embeds are in its slot.
type flight struct {
	pos, slot int
	compares  int // comparisons that its kept states come from
}

// job is an ask under way: chunk by chunk where it has more rows than a pass.
type job struct {
	ask  *Ask
	pick *Sampling
	next int // rows of the ask that chunks before have run

	// Of the chunk under way.
	rows     []AskRow
	table    []shaders.Row // as at its first step
	compared []int         // comparisons behind each row before this chunk
	outputs  int
	rule     shaders.ExitRule
	progress shaders.Progress
	probe    string // the kernel of its criterion, where that looks at logits
	values   []float32
	started  bool
}

func (j *job) adaptive() bool { return j.rule.Criterion != 0 }

// left is how many core steps the chunk may yet take.
func (j *job) left() int { return int(j.rule.Steps - j.progress.Taken) }

// due tells whether the chunk is checked at the end of the step that follows so many taken ones, as lib/group.glsl does.
func (j *job) due(taken uint32) bool {
	return j.adaptive() && taken >= j.rule.MinSteps && (j.rule.Every < 2 || taken%j.rule.Every == 0)
}

// check refuses an ask that the session cannot do.
func (s *Session) check(a *Ask) error {
	switch {
	case a.Seq < 0 || a.Seq >= len(s.seqs):
		return fmt.Errorf("model: ask for sequence %d: this session has %d", a.Seq, len(s.seqs))
	case len(a.Rows) == 0:
		return fmt.Errorf("model: ask of sequence %d has no tokens", a.Seq)
	case a.Steps < 0:
		return fmt.Errorf("model: num_steps %d: must not be negative", a.Steps)
	case a.Outputs < 0 || a.Outputs > len(a.Rows):
		return fmt.Errorf("model: ask of %d rows wants %d outputs", len(a.Rows), a.Outputs)
	case a.Exit != nil && !s.opt.Exits:
		return fmt.Errorf("model: adaptive exit in a session that has no room for it: set SessionOptions.Exits")
	case a.Compare != CompareNone && !s.opt.Compares:
		return fmt.Errorf("model: comparison of states in a session that has no room for it: set SessionOptions.Compares")
	}
	q := &s.seqs[a.Seq]
	if first := a.Rows[0].Pos; first < 0 || first > len(q.tokens) {
		return fmt.Errorf("model: ask for position %d of sequence %d, which holds %d tokens", first, a.Seq, len(q.tokens))
	}
	if end := a.Rows[0].Pos + len(a.Rows); end > s.opt.Context {
		return fmt.Errorf("model: %w: %d tokens after the %d that sequence %d holds, in a context of %d positions; use a larger one (this model goes up to %d)",
			ErrContextFull, len(a.Rows), a.Rows[0].Pos, a.Seq, s.opt.Context, s.m.Config.BlockSize)
	}
	for i, r := range a.Rows {
		if r.Token < 0 || int(r.Token) >= s.m.Config.PaddedVocabSize {
			return fmt.Errorf("model: token id %d at position %d: this model's vocabulary has ids 0 to %d", r.Token, r.Pos, s.m.Config.PaddedVocabSize-1)
		}
		if r.Pos != a.Rows[0].Pos+i {
			return fmt.Errorf("model: ask for positions that do not follow each other: %d after %d", r.Pos, a.Rows[max(i-1, 0)].Pos)
		}
		if steps := r.Step + a.Steps; steps > s.opt.MaxSteps && s.opt.Lookup.Period == Uncompressed {
			return fmt.Errorf("model: num_steps %d: this session's cache holds 0 to %d core steps a position", steps, s.opt.MaxSteps)
		}
	}
	return nil
}

// begin readies the next chunk of a job: slots for its rows, their table, and its rule.
func (s *Session) begin(j *job, size int) error {
	a, q := j.ask, &s.seqs[j.ask.Seq]
	rows := a.Rows[j.next:]
	rows = rows[:min(size, len(rows))]
	j.rows, j.outputs, j.started = rows, max(a.Outputs-(len(a.Rows)-j.next-len(rows)), 0), true
	j.outputs = min(j.outputs, len(rows))
	j.progress, j.values = shaders.Progress{}, nil
	j.rule, j.probe = s.rule(a, len(rows))

	// Rows that the ask leaves out are no longer in flight, but for the one that a row starts from.
	keep := func(f flight) bool {
		return f.pos >= rows[0].Pos && f.pos < rows[0].Pos+len(rows) || slices.ContainsFunc(rows, func(r AskRow) bool { return r.From == FromPrevious && r.Pos == f.pos+1 })
	}
	for _, f := range q.flights {
		if !keep(f) {
			s.free = append(s.free, f.slot)
		}
	}
	q.flights = slices.DeleteFunc(q.flights, func(f flight) bool { return !keep(f) })

	at := func(pos int) int { return slices.IndexFunc(q.flights, func(f flight) bool { return f.pos == pos }) }
	key := SequenceKey(q.setting.Seed, q.setting.Stream)
	var flights []flight
	j.table, j.compared = make([]shaders.Row, len(rows)), make([]int, len(rows))
	for i, r := range rows {
		f, was := flight{pos: r.Pos}, at(r.Pos)
		if was >= 0 {
			f = q.flights[was]
		} else {
			if len(s.free) == 0 {
				return fmt.Errorf("model: more rows in flight than the %d that this session holds: use a session with more Rows", s.slots())
			}
			f.slot = s.free[len(s.free)-1]
			s.free = s.free[:len(s.free)-1]
		}
		if was < 0 && (r.From == FromOwn || !r.Begin) {
			return fmt.Errorf("model: ask goes on with position %d of sequence %d, which is not in flight", r.Pos, a.Seq)
		}
		if r.From != FromOwn {
			f.compares = 0
		}
		row := shaders.Row{
			Token: uint32(r.Token), Base: uint32(a.Seq * s.opt.Context), Pos: uint32(r.Pos), Step: uint32(r.Step),
			KeyLo: uint32(key), KeyHi: uint32(key >> 32), Slot: uint32(f.slot),
			Scale: float32(s.m.Config.StateStd() * math.Sqrt(float64(s.m.Config.NEmbd)) * q.setting.InitScale),
		}
		if was >= 0 {
			row.EMA = float32(a.EMA)
		}
		switch r.From {
		case FromOwn:
			row.Start = shaders.StartOwn
		case FromNormed:
			if !q.carried {
				return fmt.Errorf("model: position %d of sequence %d cannot start from the state before it, which was not kept", r.Pos, a.Seq)
			}
			row.Start = shaders.StartCarried(a.Seq)
		case FromPrevious:
			before := at(r.Pos - 1)
			if before < 0 {
				return fmt.Errorf("model: position %d of sequence %d cannot start from the state before it, which is no longer in flight", r.Pos, a.Seq)
			}
			row.Start = shaders.StartSlot(q.flights[before].slot)
		default:
			if q.setting.States != nil {
				row.Start = shaders.StartGiven
			}
		}
		j.table[i], j.compared[i] = row, f.compares
		flights = append(flights, f)
	}
	for _, f := range q.flights {
		if f.pos < rows[0].Pos || f.pos >= rows[0].Pos+len(rows) {
			s.later = append(s.later, f.slot) // rows that begin in the same pass must not write what one starts from
		}
	}
	q.flights = flights
	return nil
}

// done takes a chunk's end into the sequence's account, and tells whether the ask is done with it.
func (s *Session) done(j *job) bool {
	q := &s.seqs[j.ask.Seq]
	q.tokens = q.tokens[:j.rows[0].Pos]
	for _, r := range j.rows {
		q.tokens = append(q.tokens, r.Token)
	}
	q.carried = q.setting.ContinuousCompute
	j.ask.Taken = int(j.progress.Taken)
	j.next += len(j.rows)
	j.started = false
	return j.next == len(j.ask.Rows)
}

// drop takes the rows of sequence seq from position pos on out of flight.
func (s *Session) drop(seq, pos int) {
	q := &s.seqs[seq]
	q.flights = slices.DeleteFunc(q.flights, func(f flight) bool {
		if f.pos >= pos {
			s.free = append(s.free, f.slot)
		}
		return f.pos >= pos
	})
}
