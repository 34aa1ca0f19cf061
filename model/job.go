package model

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
)

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
	a.Taken, a.Passes, a.RowSteps, a.Choices, a.Below, a.Changes = 0, 0, 0, nil, nil, nil
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
	normed := 0
	for _, r := range a.Rows {
		if steps := r.Step + a.Steps; steps > s.opt.MaxSteps && s.opt.Lookup.Period == Uncompressed {
			return fmt.Errorf("model: num_steps %d: this session's cache holds 0 to %d core steps a position", steps, s.opt.MaxSteps)
		}
		if r.From == FromNormed {
			normed++
		}
		if r.From == FromInitial && q.setting.States != nil {
			if n := len(q.setting.States(r.Pos)); n != s.m.Config.NEmbd {
				return fmt.Errorf("model: the initial state of position %d has %d values, want n_embd = %d", r.Pos, n, s.m.Config.NEmbd)
			}
		}
	}
	switch {
	case a.Exit != nil && !s.opt.Exits:
		return fmt.Errorf("model: adaptive exit in a session that has no room for it: set SessionOptions.Exits")
	case a.Compare != CompareNone && len(a.Rows) > s.opt.Compares:
		return fmt.Errorf("model: comparison of %d states in a session that has room for %d: set SessionOptions.Compares", len(a.Rows), s.opt.Compares)
	case !a.divisible() && len(a.Rows) > s.opt.Rows:
		return fmt.Errorf("model: %d rows that take their steps together, in passes of up to %d: set SessionOptions.Rows", len(a.Rows), s.opt.Rows)
	case !a.divisible() && a.Outputs > s.opt.Outputs:
		return fmt.Errorf("model: %d outputs at once in passes of up to %d: set SessionOptions.Outputs", a.Outputs, s.opt.Outputs)
	case normed > 1:
		return fmt.Errorf("model: %d rows of an ask start from states after ln_f, want one at most", normed)
	}
	return nil
}

// divisible tells whether the ask may be run chunk by chunk. Where rows stay in flight, or are compared, they take each step together;
// and behind the first chunk nothing is left of what rows had in flight before.
func (a *Ask) divisible() bool {
	return a.Last && a.Compare == CompareNone && a.EMA == 0 &&
		!slices.ContainsFunc(a.Rows[1:], func(r AskRow) bool { return !r.Begin || r.From != FromInitial })
}

// seat readies the next chunk of a job: slots for its rows, their table, and its rule. carried is how many states after ln_f
// the pass has already. It tells whether there was room.
func (s *Session) seat(j *job, size, carried int) bool {
	a, q := j.ask, &s.seqs[j.ask.Seq]
	rows := a.Rows[j.next:]
	rows = rows[:min(size, len(rows))]
	if !s.makeRoom(q, rows, a.Keep) {
		return false
	}
	behind := len(a.Rows) - j.next - len(rows)
	j.rows, j.outputs = rows, min(max(a.Outputs-behind, 0), len(rows))
	j.progress, j.values, j.normed = shaders.Progress{}, nil, nil
	j.rule, j.probe = s.rule(a)
	j.table = make([]shaders.Row, len(rows))
	for i, r := range rows {
		slot, fresh := s.occupy(q, r.Pos)
		j.table[i] = s.row(a, r, slot, fresh)
		j.table[i].Start = j.start(q, r, carried)
	}
	j.started = true
	return true
}

// row is a row as the device takes it, but for where it starts.
func (s *Session) row(a *Ask, r AskRow, slot int, fresh bool) shaders.Row {
	set, deviation := s.seqs[a.Seq].setting, s.m.Config.StateStd()*math.Sqrt(float64(s.m.Config.NEmbd))
	key := SequenceKey(set.Seed, set.Stream)
	row := shaders.Row{
		Token: uint32(r.Token), Base: uint32(a.Seq * s.opt.Context), Pos: uint32(r.Pos), Step: uint32(r.Step),
		KeyLo: uint32(key), KeyHi: uint32(key >> 32), Slot: uint32(slot),
		Scale: float32(deviation * set.InitScale), EMA: float32(a.EMA), Mix: float32(r.Mix),
		Noise: float32(a.Noise.Weight * deviation), Draw: shaders.NoiseDraw(a.Draw, a.Noise.device()),
	}
	switch {
	case !r.Begin:
		row.EMA = 1 // where it goes through begin for its state's sake
	case fresh:
		row.EMA = -row.EMA
	}
	return row
}

// start is where a row's state comes from. States that go through ln_f first are noted for the pass, behind those it has.
func (j *job) start(q *sequence, r AskRow, carried int) shaders.Start {
	switch {
	case r.From == FromOwn:
		return shaders.StartOwn
	case r.From == FromNormed:
		j.normed = append(j.normed, q.flights[q.flight(r.source())].slot)
		return shaders.StartCarried(carried + len(j.normed) - 1)
	case r.From == FromPrevious:
		return shaders.StartSlot(q.flights[q.flight(r.source())].slot)
	case q.setting.States != nil:
		return shaders.StartGiven
	}
	return shaders.StartDrawn
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
	s.land(q, func(f flight) bool {
		return f.pos < first && !j.ask.Keep || f.pos >= first && f.pos < last && j.ask.Last
	})
	j.ask.Taken = int(j.progress.Taken)
	j.ask.Passes += j.ask.Taken
	j.ask.RowSteps += j.ask.Taken * len(j.rows)
	j.next += len(j.rows)
	j.started = false
	return j.next == len(j.ask.Rows)
}

// abandon ends the chunks under way after an error. How far the device came with their rows is not known: they are no longer in
// flight, and their sequences end before them.
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
