package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
)

// flight is a row in flight: its state and embeds are in its slot.
type flight struct{ pos, slot int }

// job is an ask under way: chunk by chunk where it has more rows than a pass.
type job struct {
	ask    *Ask
	pick   *Sampling
	next   int // rows of the ask that chunks before have run
	waited int // rounds that had no room for it

	// Of the chunk under way.
	rows     []AskRow
	table    []shaders.Row // as at its first step
	normed   []int         // slots of states that rows start from after ln_f, by carried row
	outputs  int
	rule     shaders.ExitRule
	progress shaders.Progress
	probe    string // the kernel of its criterion, where that looks at logits
	values   []float32
	started  bool
}

// newJob is an ask that nothing has come of yet.
func newJob(a *Ask) *job {
	a.Taken, a.Choices, a.Below, a.Changes = 0, nil, nil, nil
	return &job{ask: a}
}

func (j *job) adaptive() bool { return j.rule.Criterion != 0 }

// left is how many core steps the chunk may yet take.
func (j *job) left() int { return int(j.rule.Steps - j.progress.Taken) }

// due tells whether the chunk is checked at the end of the step that follows so many taken ones.
func (j *job) due(taken uint32) bool { return j.adaptive() && j.ask.Exit.Checks(int(taken)) }

// check refuses an ask that the session cannot do.
func (s *Session) check(a *Ask) error {
	if a.Seq < 0 || a.Seq >= len(s.seqs) {
		return fmt.Errorf("model: ask for sequence %d: this session has %d", a.Seq, len(s.seqs))
	}
	q := &s.seqs[a.Seq]
	if err := a.check(len(q.tokens), s.opt.Context, s.m.Config.PaddedVocabSize, func(pos int) bool { return q.flight(pos) >= 0 }); err != nil {
		return err
	}
	for _, r := range a.Rows {
		if steps := r.Step + a.Steps; steps > s.opt.MaxSteps && s.opt.Lookup.Period == Uncompressed {
			return fmt.Errorf("model: num_steps %d: this session's cache holds 0 to %d core steps a position", steps, s.opt.MaxSteps)
		}
	}
	switch {
	case a.Exit != nil && !s.opt.Exits:
		return fmt.Errorf("model: adaptive exit in a session that has no room for it: set SessionOptions.Exits")
	case a.Compare != CompareNone && len(a.Rows) > s.opt.Compares:
		return fmt.Errorf("model: comparison of %d states in a session that has room for %d: set SessionOptions.Compares", len(a.Rows), s.opt.Compares)
	case a.Compare != CompareNone && len(a.Rows) > s.opt.Rows:
		return fmt.Errorf("model: %d rows to compare in passes of up to %d: set SessionOptions.Rows", len(a.Rows), s.opt.Rows)
	}
	return nil
}

// flight is the index of the row in flight at a position, or -1.
func (q *sequence) flight(pos int) int {
	return slices.IndexFunc(q.flights, func(f flight) bool { return f.pos == pos })
}

// errNoRoom is for asks that have to wait until rows in flight leave.
var errNoRoom = errors.New("model: no room for more rows in flight: use a session with more Rows")

// begin readies the next chunk of a job: slots for its rows, their table, and its rule. carried is how many states after ln_f
// the pass has already.
func (s *Session) begin(j *job, size, carried int) error {
	a, q := j.ask, &s.seqs[j.ask.Seq]
	rows := a.Rows[j.next:]
	rows = rows[:min(size, len(rows))]
	j.rows, j.outputs = rows, max(a.Outputs-(len(a.Rows)-j.next-len(rows)), 0)
	j.outputs = min(j.outputs, len(rows))
	j.progress, j.values, j.normed = shaders.Progress{}, nil, nil
	j.rule, j.probe = s.rule(a)

	// Rows that the ask leaves out are no longer in flight, but for those that others start from.
	first, end := rows[0].Pos, rows[len(rows)-1].Pos+1
	stays := func(f flight) bool { return f.pos >= first && f.pos < end || a.Keep && f.pos < first }
	source := func(f flight) bool {
		return slices.ContainsFunc(rows, func(r AskRow) bool {
			return (r.From == FromPrevious || r.From == FromNormed) && r.Pos-max(r.Back, 1) == f.pos
		})
	}
	need := len(rows)
	for _, f := range q.flights {
		if f.pos >= first && f.pos < end || !stays(f) && !source(f) {
			need--
		}
	}
	if need > len(s.free) {
		return errNoRoom
	}
	q.flights = slices.DeleteFunc(q.flights, func(f flight) bool {
		gone := !stays(f) && !source(f)
		if gone {
			s.free = append(s.free, f.slot)
		}
		return gone
	})

	j.started = true
	key := SequenceKey(q.setting.Seed, q.setting.Stream)
	held := q.flights
	flights := slices.DeleteFunc(slices.Clone(held), func(f flight) bool { return f.pos >= first })
	j.table = make([]shaders.Row, len(rows))
	for i, r := range rows {
		f, was := flight{pos: r.Pos}, q.flight(r.Pos)
		if was >= 0 {
			f = held[was]
		} else {
			f.slot = s.free[len(s.free)-1]
			s.free = s.free[:len(s.free)-1]
		}
		row := shaders.Row{
			Token: uint32(r.Token), Base: uint32(a.Seq * s.opt.Context), Pos: uint32(r.Pos), Step: uint32(r.Step),
			KeyLo: uint32(key), KeyHi: uint32(key >> 32), Slot: uint32(f.slot),
			Scale: float32(s.m.Config.StateStd() * math.Sqrt(float64(s.m.Config.NEmbd)) * q.setting.InitScale),
			EMA:   float32(a.EMA), Mix: float32(r.Mix),
			Noise: float32(a.Noise.Weight * s.m.Config.StateStd() * math.Sqrt(float64(s.m.Config.NEmbd))),
			Draw:  shaders.NoiseDraw(a.Draw, a.Noise.device()),
		}
		if was < 0 {
			row.EMA = -row.EMA
		}
		switch r.From {
		case FromOwn:
			row.Start = shaders.StartOwn
		case FromNormed:
			row.Start = shaders.StartCarried(carried + len(j.normed))
			j.normed = append(j.normed, held[q.flight(r.Pos-max(r.Back, 1))].slot)
		case FromPrevious:
			row.Start = shaders.StartSlot(held[q.flight(r.Pos-max(r.Back, 1))].slot)
		default:
			if q.setting.States != nil {
				row.Start = shaders.StartGiven
			}
		}
		j.table[i] = row
		flights = append(flights, f)
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
	if j.ask.Compare == CompareNone {
		q.deltas, q.compared = 0, false
	}
	first, last := j.rows[0].Pos, j.rows[len(j.rows)-1].Pos
	s.land(j.ask.Seq, func(pos int) bool {
		return pos < first && !j.ask.Keep || pos >= first && pos < last && j.ask.Last
	})
	j.ask.Taken = int(j.progress.Taken)
	j.next += len(j.rows)
	j.started = false
	return j.next == len(j.ask.Rows)
}

// abandon ends the chunks under way after an error. How far the device came with their rows is not known: they are no longer in
// flight, and their sequences end before them. Rows before them are as they were.
func (s *Session) abandon(jobs []*job) {
	for _, j := range jobs {
		if !j.started {
			continue
		}
		q, first := &s.seqs[j.ask.Seq], j.rows[0].Pos
		s.drop(j.ask.Seq, first)
		q.tokens = q.tokens[:first]
		q.deltas, q.compared = 0, false
		j.started = false
		s.last, s.outputs = nil, 0
	}
}

// drop takes the rows of sequence seq from position pos on out of flight.
func (s *Session) drop(seq, pos int) { s.land(seq, func(at int) bool { return at >= pos }) }

// land takes rows of a sequence out of flight, by position.
func (s *Session) land(seq int, gone func(pos int) bool) {
	q := &s.seqs[seq]
	q.flights = slices.DeleteFunc(q.flights, func(f flight) bool {
		if gone(f.pos) {
			s.free = append(s.free, f.slot)
		}
		return gone(f.pos)
	})
}
