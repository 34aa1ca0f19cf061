package engine

import (
	"errors"
	"fmt"

	"muninn/model/decode"
	"muninn/shaders"
)

// job is a task under way: chunk by chunk where it has more rows than a pass.
type job struct {
	task   *decode.Task
	next   int // rows of the task that chunks before have run
	waited int // iterations that had no room for it

	// Of the chunk under way.
	rows           []decode.TaskRow
	table          []shaders.Row // as at its first step
	normed         []int         // slots of states that rows start from after ln_f, by carried row
	outputs        int
	rule           shaders.ExitRule
	readout        shaders.Readout
	progress       shaders.Progress
	logitCriterion string // the kernel of its criterion, where that looks at logits
	values         []float32
	started        bool
}

// newJob is a task that nothing has come of yet.
func newJob(a *decode.Task) *job {
	a.Taken, a.Passes, a.RowSteps, a.Choices, a.Below, a.LogProbs, a.Changes = 0, 0, 0, nil, nil, nil, nil
	return &job{task: a}
}

func (j *job) adaptive() bool { return j.rule.Criterion != 0 }

// reads tells whether another state than the last is read. One that takes no step has no other.
func (j *job) reads() bool { return j.readout.Mode != shaders.ReadLast && j.rule.Steps > 0 }

// left is how many core steps the chunk may yet take.
func (j *job) left() int { return int(j.rule.Steps - j.progress.Taken) }

// part are the next rows of the task, so many at most.
func (j *job) part(size int) []decode.TaskRow {
	rows := j.task.Rows[j.next:]
	return rows[:min(size, len(rows))]
}

// outputsOf is how many of the next so many rows have logits.
func (j *job) outputsOf(rows int) int {
	behind := len(j.task.Rows) - j.next - rows
	return min(max(j.task.Outputs-behind, 0), rows)
}

// picks is how many of so many outputs a token may be picked from; of the others one is given.
func (j *job) picks(outputs int) int {
	if j.task.Score {
		return min(outputs, 1)
	}
	return outputs
}

// due tells whether the chunk is checked at the end of the step that follows so many taken ones.
func (j *job) due(taken uint32) bool { return j.adaptive() && j.task.Exit.Checks(int(taken)) }

// check refuses a task that the session cannot do.
func (s *scheduler) check(a *decode.Task) error {
	if a.Seq < 0 || a.Seq >= len(s.seqs) {
		return fmt.Errorf("model: task for sequence %d: this session has %d", a.Seq, len(s.seqs))
	}
	q := &s.seqs[a.Seq]
	if err := errors.Join(a.Fits(s.m.Config), q.setting.Fits(s.m.Config)); err != nil {
		return err
	}
	if err := a.Check(len(q.tokens), s.opt.Context, s.m.Config.PaddedVocabSize, func(pos int) bool { return q.liveAt(pos) >= 0 }); err != nil {
		return err
	}
	normed := 0
	for _, r := range a.Rows {
		if steps := r.Step + a.Steps; steps > s.opt.MaxSteps && s.opt.Lookup.Period == decode.Uncompressed {
			return fmt.Errorf("model: num_steps %d: this session's cache holds 0 to %d core steps a position", steps, s.opt.MaxSteps)
		}
		if r.From == decode.FromNormed {
			normed++
		}
		if r.From == decode.FromInitial && q.setting.States != nil {
			if n := len(q.setting.States(r.Pos)); n != s.m.Config.NEmbd {
				return fmt.Errorf("model: the initial state of position %d has %d values, want n_embd = %d", r.Pos, n, s.m.Config.NEmbd)
			}
		}
	}
	switch {
	case a.Exit != nil && !s.opt.Exits:
		return fmt.Errorf("model: adaptive exit in a session that has no room for it: set SessionOptions.Exits")
	case a.Readout.Kind != decode.ReadLast && !s.opt.Readouts:
		return fmt.Errorf("model: a readout in a session that has no room for it: set SessionOptions.Readouts")
	case a.Compare != decode.CompareNone && len(a.Rows) > s.opt.Compares:
		return fmt.Errorf("model: comparison of %d states in a session that has room for %d: set SessionOptions.Compares", len(a.Rows), s.opt.Compares)
	case !a.Divisible() && len(a.Rows) > s.opt.Rows:
		return fmt.Errorf("model: %d rows that take their steps together, in passes of up to %d: set SessionOptions.Rows", len(a.Rows), s.opt.Rows)
	case !a.Divisible() && a.Outputs > s.opt.Outputs:
		return fmt.Errorf("model: %d outputs at once in passes of up to %d: set SessionOptions.Outputs", a.Outputs, s.opt.Outputs)
	case a.Prefix > s.opt.Rows && a.Rows[0].Pos < a.Prefix:
		return fmt.Errorf("model: a prefix of %d tokens, which see each other, in passes of up to %d: set SessionOptions.Rows", a.Prefix, s.opt.Rows)
	case normed > 1:
		return fmt.Errorf("model: %d rows of an ask start from states after ln_f, want one at most", normed)
	}
	return nil
}

// admitChunk readies the next chunk of a job, which has its pages: slots for its rows, their table, and its rule. carried is how many states after ln_f
// the pass has already. It tells whether there was room.
func (s *scheduler) admitChunk(j *job, size, carried int) bool {
	a, q, rows := j.task, &s.seqs[j.task.Seq], j.part(size)
	if !s.makeRoom(q, rows, a.Keep) {
		return false
	}
	j.rows, j.outputs = rows, j.outputsOf(len(rows))
	j.progress, j.values, j.normed = shaders.Progress{}, nil, nil
	j.rule, j.logitCriterion = s.rule(a)
	j.readout = shaders.Readout{Mode: readModes[a.Readout.Kind], Step: uint32(a.Readout.Step), Threshold: float32(a.Readout.Threshold)}
	j.table = make([]shaders.Row, len(rows))
	for i, r := range rows {
		slot, fresh := s.cellFor(q, r.Pos)
		j.table[i] = s.row(a, r, slot, fresh)
		j.table[i].Start = j.start(q, r, carried, s.m.Config.StartsDrawn())
	}
	j.started = true
	return true
}

// row is a row as the device takes it, but for where it starts.
func (s *scheduler) row(a *decode.Task, r decode.TaskRow, slot int, fresh bool) shaders.Row {
	set, deviation := s.seqs[a.Seq].setting, s.m.Config.StateStd()*s.m.Config.EmbedScale()
	key := decode.SequenceKey(set.Seed, set.Stream)
	row := shaders.Row{
		Token: uint32(r.Token), Seq: uint32(a.Seq), Pos: uint32(r.Pos), Sees: uint32(a.Sees(r.Pos)), LastOnly: s.opt.Lookup.LastOnly(a), Step: uint32(r.Step),
		KeyLo: uint32(key), KeyHi: uint32(key >> 32), Cell: uint32(slot),
		Scale: float32(deviation * set.InitScale), EMA: float32(a.EMA), Mix: float32(r.Mix),
		Noise: float32(a.Noise.Weight * deviation), Draw: shaders.NoiseDraw(a.Draw, a.Noise.Type.Plain()),
	}
	switch {
	case !r.Begin:
		row.EMA = 1 // where it goes through begin for its state's sake
	case fresh:
		row.EMA = -row.EMA
	}
	return row
}

// start is where a row's state comes from: where states are not drawn, from its embeds. States that go through ln_f first are noted for the pass, behind those it has.
func (j *job) start(q *sequence, r decode.TaskRow, carried int, drawn bool) shaders.Start {
	switch {
	case r.From == decode.FromOwn:
		return shaders.StartOwn
	case r.From == decode.FromNormed:
		j.normed = append(j.normed, q.live[q.liveAt(r.Source())].cell)
		return shaders.StartCarried(carried + len(j.normed) - 1)
	case r.From == decode.FromPrevious:
		return shaders.StartCell(q.live[q.liveAt(r.Source())].cell)
	case q.setting.States != nil, !drawn:
		return shaders.StartGiven
	}
	return shaders.StartDrawn
}

// done takes a chunk's end into the sequence's account, and tells whether the task is done with it.
func (s *scheduler) done(j *job) bool {
	q := &s.seqs[j.task.Seq]
	q.tokens = q.tokens[:j.rows[0].Pos]
	for _, r := range j.rows {
		q.tokens = append(q.tokens, r.Token)
	}
	if j.task.Compare == decode.CompareNone {
		q.deltas, q.compared = 0, false
	}
	q.history.Add(j.task, j.rows, int(j.progress.Taken))
	if q.lastOnly = min(q.lastOnly, j.rows[0].Pos); s.opt.Lookup.LastOnly(j.task) {
		q.lastOnly = len(q.tokens)
	}
	s.givePagesBack(j)
	first, last := j.rows[0].Pos, j.rows[len(j.rows)-1].Pos
	s.release(q, func(f liveRow) bool {
		return f.pos < first && !j.task.Keep || f.pos >= first && f.pos < last && j.task.Last
	})
	j.task.Taken = int(j.progress.Taken)
	j.task.Passes += j.task.Taken
	j.task.RowSteps += j.task.Taken * len(j.rows)
	j.next += len(j.rows)
	j.started = false
	return j.next == len(j.task.Rows)
}

// abandon ends the chunks under way after an error. How far the device came with their rows is not known: they are no longer in
// flight, and their sequences end before them.
func (s *scheduler) abandon(jobs []*job) {
	for _, j := range jobs {
		if !j.started {
			continue
		}
		q, first := &s.seqs[j.task.Seq], j.rows[0].Pos
		s.drop(j.task.Seq, first)
		q.tokens = q.tokens[:first]
		s.dropPages(j.task.Seq, first)
		q.deltas, q.compared = 0, false
		j.started = false
		s.last, s.outputs = nil, 0
	}
}

// deviceMeasures are the device's measures of criteria on the state.
var deviceMeasures = map[decode.Measure]shaders.Measure{decode.MeasureDiff: shaders.MeasureDiff, decode.MeasureCosine: shaders.MeasureCosine, decode.MeasureAcceleration: shaders.MeasureAcceleration,
	decode.MeasureGate: shaders.MeasureGate}

// readModes are the device's for kinds of readouts.
var readModes = map[decode.ReadoutKind]shaders.ReadMode{decode.ReadLast: shaders.ReadLast, decode.ReadAt: shaders.ReadAt, decode.ReadExit: shaders.ReadExit, decode.ReadWeighted: shaders.ReadWeighted}

// rule is a task's exit as the device takes it, and the kernel that measures its criterion on the logits, if it does.
func (s *scheduler) rule(a *decode.Task) (rule shaders.ExitRule, logitCriterion string) {
	rule.Steps = uint32(a.Steps)
	if !a.Adaptive() {
		return rule, ""
	}
	c, _ := a.Exit.Criterion.Info() // the task has been checked
	rule.Criterion, rule.Measure, rule.AtLeast = c.ID, deviceMeasures[c.Measure], c.AtLeast
	if c.Logits() {
		logitCriterion = string(c.Measure)
	}
	rule.Threshold, rule.MinSteps, rule.Every = float32(a.Exit.Limit()), uint32(a.Exit.MinSteps), uint32(a.Exit.Every)
	rule.Delay = uint32(a.Exit.Delay)
	return rule, logitCriterion
}
