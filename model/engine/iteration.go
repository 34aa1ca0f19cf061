package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"muninn/model/engine/pager"
	"muninn/shaders"
)

// scheduler takes the rows of all tasks through shared passes, an iteration at a time.
type scheduler struct {
	*recordings
	*timelines
	pager   *pager.Pager // nil: each sequence has its pages from the start
	copies  []pager.Copy // of the chunks that were admitted
	short   error        // why the last chunk had no pages
	last    []int        // cells of the rows of the last pass
	took    []int        // core steps of the last tasks with an exit
	outputs int          // rows of logits of the last pass
	ranked  bool         // it gave the likeliest tokens
}

func newScheduler(m *Model, o SessionOptions, x *onDevice) *scheduler {
	s := &scheduler{recordings: &recordings{onDevice: x, m: m, opt: o, programs: map[programKey]*keptProgram{}}, timelines: newTimelines(o.Sequences, o.cells())}
	if o.Positions > 0 && x.mem.Err == nil {
		s.pager = pager.New(x.pages)
	}
	return s
}

// errNoRoom is the error of an iteration that could begin nothing: all its jobs wait for cells of live rows that others of them hold.
var errNoRoom = errors.New("model: no room for more live rows beside those of other sequences: set SessionOptions.Rows")

// iterate takes jobs further together, in one run: those that are new are begun, all live ones take core steps over the
// same passes, and those that are then sure to be done are finished. It returns the jobs whose tasks are done.
//
// A job alone needs no look at it on the way: steps that were submitted do nothing once it has settled. All but the fewest come
// to their end within the first of its two iterations, the steps that lately sufficed for most; the second has the rest.
//
// After an error no job is under way.
func (s *scheduler) iterate(ctx context.Context, jobs []*job) (done []*job, err error) {
	defer func() {
		if err != nil {
			s.abandon(jobs)
		}
	}()
	s.short = nil
	fresh := s.admit(jobs)
	live := slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.started })
	if len(live) == 0 {
		return nil, cmp.Or(s.short, errNoRoom)
	}
	var stepping, finish, poll []*job
	for _, j := range live {
		if j.left() > 0 {
			stepping = append(stepping, j)
		}
	}
	steps := s.horizon(stepping)
	for _, j := range live {
		switch {
		case j.left() == 0 || j.left() == steps:
			finish = append(finish, j)
		case j.adaptive():
			poll = append(poll, j)
		}
	}
	if err := s.copyPages(ctx); err != nil {
		return nil, err
	}
	if err := s.keepLast(ctx, fresh); err != nil {
		return nil, err
	}
	s.last = s.cellsOf(live)
	p := &passes{s: s, progress: func(done, total int) {
		for _, j := range live {
			if j.task.Progress != nil {
				j.task.Progress(j.next+len(j.rows)*done/total, len(j.task.Rows))
			}
		}
	}}
	p.begin(fresh)
	p.steps(stepping, steps)
	p.finish(finish)
	p.leave(stepping)
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	for _, j := range stepping {
		j.progress.Taken += uint32(steps)
		if j.adaptive() {
			j.progress = shaders.DecodeProgress(s.io.reached.host.Bytes()[j.task.Seq*shaders.ProgressBytes:])
		}
		if err := s.values(j); err != nil {
			return nil, err
		}
	}
	poll = slices.DeleteFunc(poll, func(j *job) bool { return !j.progress.Done })
	if err := s.results(finish); err != nil {
		return nil, err
	}
	if len(poll) > 0 {
		p = &passes{s: s}
		p.finish(poll)
		if err := p.run(ctx); err != nil {
			return nil, err
		}
		if err := s.results(poll); err != nil {
			return nil, err
		}
	}
	for _, j := range append(finish, poll...) {
		s.remember(j)
		if s.done(j) {
			done = append(done, j)
		}
	}
	return done, nil
}

// cellsOf are the slots of the jobs' rows, in order.
func (s *scheduler) cellsOf(jobs []*job) (slots []int) {
	for _, j := range jobs {
		for _, r := range j.table {
			slots = append(slots, int(r.Cell))
		}
	}
	return slots
}

// admit begins chunks of the jobs that have none under way, those first that have waited longest, until one does not fit
// into the pass beside the rows that are live; those for which no page is left stand back. How large a chunk is does not depend on
// what else there is, or neither would a token's exit.
func (s *scheduler) admit(jobs []*job) (fresh []*job) {
	rows, outputs, picks, carried := s.opt.Rows, s.opt.logits(), s.opt.Outputs, 0
	var waiting []*job
	for _, j := range jobs {
		if j.started {
			rows, outputs, picks = rows-len(j.rows), outputs-j.outputs, picks-j.picks(j.outputs)
		} else {
			waiting = append(waiting, j)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *job) int { return b.waited - a.waited })
	for i, j := range waiting {
		size := s.chunk(j)
		of := j.outputsOf(size)
		if fits := size <= rows && of <= outputs && j.picks(of) <= picks; fits && !s.grantPages(j.task, j.part(size)) {
			j.waited++ // others may need none, or leave some
			continue
		} else if !fits || !s.admitChunk(j, size, carried) {
			for _, j := range waiting[i:] {
				j.waited++
			}
			return fresh
		}
		carried += len(j.normed)
		fresh = append(fresh, j)
		rows, outputs, picks = rows-len(j.rows), outputs-j.outputs, picks-j.picks(j.outputs)
	}
	return fresh
}

// chunk is how many rows of its task a job takes next: all, or what leaves room for the other sequences.
func (s *scheduler) chunk(j *job) int {
	left := len(j.task.Rows) - j.next
	if !j.task.Divisible() {
		return left
	}
	size := max(s.opt.Rows-rowsBeside*(len(s.seqs)-1), s.opt.Rows/2, 1)
	if j.task.Outputs > 1 {
		most := s.opt.Outputs
		if j.task.Score {
			most = s.opt.logits()
		}
		size = min(size, max(left-j.task.Outputs, 0)+most)
	}
	if pos := j.task.Rows[j.next].Pos; pos < j.task.Prefix { // it is read at once
		size = max(size, j.task.Prefix-pos)
	}
	return min(size, left)
}

// rowsBeside is how many rows a chunk leaves to each other sequence, as long as it has half of a pass for itself.
const rowsBeside = 8

// pollSteps is how many core steps sequences of different depths take between two looks at which of them have settled. Where a
// step is longer than largeStep of a submission, a look costs nothing beside it, and rows that are done would.
const (
	pollSteps = 4
	largeStep = 0.1
)

// horizon is how many steps jobs that have some left take together: no more than the first of those at fixed depth has. One
// that may leave sooner is looked at every pollSteps, at each step if its criterion needs logits, which all rows of a check share;
// one alone needs no look.
func (s *scheduler) horizon(stepping []*job) int {
	if len(stepping) == 0 {
		return 0
	}
	steps := stepping[0].left()
	for _, j := range stepping[1:] {
		steps = min(steps, j.left())
	}
	if len(stepping) == 1 {
		if j := stepping[0]; j.adaptive() && j.progress.Taken == 0 {
			return s.likely(j, steps)
		}
		return steps
	}
	poll := pollSteps
	if step := s.step(stepping); step != nil && step.Share() > largeStep {
		poll = 1
	}
	for _, j := range stepping {
		switch {
		case j.logitCriterion != "":
			steps = min(steps, 1)
		case j.adaptive():
			steps = min(steps, poll)
		}
	}
	return steps
}

// likely is how many of so many steps to submit at first for a task alone: where all are predicted to fit into two submissions, as
// many as lately sufficed for three in four tasks, so that the fewer small steps that are skipped cost less than the look at
// how it went. Where steps are large, those that do nothing weigh nothing beside them, and all are submitted at once. A task
// takes at most one submission more or less, whenever it leaves.
func (s *scheduler) likely(j *job, steps int) int {
	step := s.step([]*job{j})
	if len(s.took) == 0 || step == nil {
		return steps
	}
	sorted := slices.Sorted(slices.Values(s.took))
	first := min(sorted[len(sorted)*3/4]+1, steps)
	const room = 0.2 // of a submission, for what comes before the steps
	if share := step.Share(); share*float64(first) > 1-room || share*float64(steps-first) > 1 {
		return steps
	}
	return first
}

// step is the recorded core step of jobs, the one that retires rows by itself where it can; nil: there is none yet.
func (s *scheduler) step(jobs []*job) *keptProgram {
	k := stepKey(jobs)
	k.retire = k.follow && !slices.ContainsFunc(jobs, func(j *job) bool { return j.logitCriterion != "" })
	return s.programs[k]
}

// remember keeps what a task with an exit took, for likely.
func (s *scheduler) remember(j *job) {
	const most = 16
	if j.adaptive() && j.progress.Taken > 0 {
		s.took = append(s.took[max(len(s.took)-most+1, 0):], int(j.progress.Taken))
	}
}
