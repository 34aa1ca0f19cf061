package model

import (
	"context"
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/vk"
)

// pollSteps is how many core steps sequences of different depths take between two looks at which of them have settled.
const pollSteps = 4

// round takes jobs further together, in one run: those that are new are begun, all live ones take core steps over the
// same passes, and those that are then sure to be done are finished. It returns the jobs whose asks are done.
//
// A job alone needs no look at it on the way: steps that were submitted do nothing once it has settled. All but the fewest come
// to their end within the first of its two rounds, the steps that lately sufficed for most; the second has the rest.
func (s *Session) round(ctx context.Context, jobs []*job) (done []*job, err error) {
	fresh, err := s.admit(jobs)
	if err != nil {
		return nil, err
	}
	live := slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.started })
	if len(live) == 0 {
		return nil, errNoRoom
	}
	steps := s.horizon(live)
	var finish, poll []*job
	for _, j := range live {
		switch {
		case j.left() == steps:
			finish = append(finish, j)
		case j.adaptive():
			poll = append(poll, j)
		}
	}
	s.last = s.slotsOf(live)
	p := &passes{s: s}
	p.begin(fresh)
	p.steps(live, steps)
	p.finish(finish)
	p.leave(live)
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	for _, j := range live {
		j.progress.Taken += uint32(steps)
		if j.adaptive() {
			j.progress = s.io.progressOf(j.ask.Seq)
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

// slotsOf are the slots of the jobs' rows, in order.
func (s *Session) slotsOf(jobs []*job) (slots []int) {
	for _, j := range jobs {
		for _, r := range j.table {
			slots = append(slots, int(r.Slot))
		}
	}
	return slots
}

// admit begins chunks of the jobs that have none under way, those first that have waited longest, until one does not fit
// into the pass beside the rows that are live. How large a chunk is does not depend on what else there is, or neither would a
// token's exit.
func (s *Session) admit(jobs []*job) (fresh []*job, err error) {
	s.free = append(s.free, s.later...)
	s.later = s.later[:0]
	rows, outputs, carried := s.opt.Rows, s.opt.Outputs, 0
	var waiting []*job
	for _, j := range jobs {
		if j.started {
			rows, outputs = rows-len(j.rows), outputs-j.outputs
		} else {
			waiting = append(waiting, j)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *job) int { return b.waited - a.waited })
	for i, j := range waiting {
		size := s.chunk(j)
		fits := size <= rows && min(size, j.ask.Outputs) <= outputs
		if fits {
			err = s.begin(j, size, carried)
		}
		if !fits || err == errNoRoom {
			for _, j := range waiting[i:] {
				j.waited++
			}
			return fresh, nil
		}
		if err != nil {
			return nil, err
		}
		if carried += len(j.normed); carried > s.opt.Sequences {
			return nil, fmt.Errorf("model: more than %d rows start from normed states at once", s.opt.Sequences)
		}
		fresh = append(fresh, j)
		rows, outputs = rows-len(j.rows), outputs-j.outputs
	}
	return fresh, nil
}

// chunk is how many rows of its ask a job takes next: all, or what leaves room for the other sequences.
func (s *Session) chunk(j *job) int {
	left := len(j.ask.Rows) - j.next
	if j.ask.Compare != CompareNone {
		return left // compared as one
	}
	size := max(s.opt.Rows-rowsBeside*(len(s.seqs)-1), s.opt.Rows/2, 1)
	if j.ask.Outputs > 1 {
		size = min(size, s.opt.Outputs)
	}
	return min(size, left)
}

// rowsBeside is how many rows a chunk leaves to each other sequence, as long as it has half of a pass for itself.
const rowsBeside = 8

// horizon is how many steps live jobs take before one may have to leave.
func (s *Session) horizon(live []*job) int {
	steps := live[0].left()
	for _, j := range live[1:] {
		steps = min(steps, j.left())
	}
	if len(live) == 1 {
		if j := live[0]; j.adaptive() && j.progress.Taken == 0 {
			return s.likely(steps)
		}
		return steps
	}
	for _, j := range live {
		switch {
		case j.probe != "":
			steps = min(steps, 1)
		case j.adaptive():
			steps = min(steps, pollSteps)
		}
	}
	return steps
}

// likely is how many of so many steps to submit at first for an ask alone: where all are predicted to fit into two submissions, as
// many as lately sufficed for three in four asks, so that the fewer small steps that are skipped cost less than the look at
// how it went. Where steps are large, those that do nothing weigh nothing beside them, and all are submitted at once. An ask
// takes at most one submission more or less, whenever it leaves.
func (s *Session) likely(steps int) int {
	if len(s.took) == 0 {
		return steps
	}
	sorted := slices.Sorted(slices.Values(s.took))
	first := min(sorted[len(sorted)*3/4]+1, steps)
	const room = 0.2 // of a submission, for what comes before the steps
	if s.stepShare*float64(first) > 1-room || s.stepShare*float64(steps-first) > 1 {
		return steps
	}
	return first
}

// remember keeps what an ask with an exit took, for likely.
func (s *Session) remember(j *job) {
	const most = 16
	if j.adaptive() {
		s.stepShare = 0
		for k, p := range s.programs {
			if k.part == "step" && k.follow && k.rows == len(j.rows) {
				s.stepShare = max(s.stepShare, p.Share())
			}
		}
		s.took = append(s.took[max(len(s.took)-most+1, 0):], int(j.progress.Taken))
	}
}

// values hands out what the criterion of a live job came to, where somebody asks.
func (s *Session) values(j *job) error {
	if j.ask.Exit == nil || j.ask.Exit.Values == nil || !j.adaptive() {
		return nil
	}
	n := min(int(j.progress.Checks), maxChecks)
	if n == len(j.values) {
		return nil
	}
	raw := make([]byte, 4*n)
	if err := s.m.dev.Read(s.groups.Values.Slice(uint64(4*j.ask.Seq*maxChecks), uint64(4*n)), raw); err != nil {
		return err
	}
	all := bytesToFloats(raw)
	for k := len(j.values); k < n; k++ {
		j.ask.Exit.Values(k, float64(all[k]))
	}
	j.values = all
	return nil
}

// results reads what finished jobs came to.
func (s *Session) results(jobs []*job) error {
	at, row := 0, 0
	for _, j := range jobs {
		a := j.ask
		for i := range j.outputs {
			c := s.io.choice(at + i)
			r := j.rows[len(j.rows)-j.outputs+i]
			if c.Token == shaders.NoToken {
				return fmt.Errorf("model: the logits after position %d of sequence %d hold no number: the weights or a kernel are broken; run `muninn check` on this device", r.Pos, a.Seq)
			}
			a.Choices = append(a.Choices, Choice{Seq: a.Seq, Pos: r.Pos, Token: int32(c.Token), Steps: r.Step + int(j.progress.Taken),
				Logit: c.Logit, LogProb: c.LogProb, Margin: c.Margin, Kept: int(c.Kept)})
			if a.Given != nil {
				a.Below = append(a.Below, c.Below)
			}
		}
		at += j.outputs
		if a.Compare != CompareNone {
			n := len(j.rows) - a.Shift
			a.Changes = s.changes(a, row, n)
			row += max(n, 0)
		}
	}
	s.outputs = at
	for _, j := range jobs {
		if j.ask.Logits != nil && j.outputs > 0 {
			logits, err := s.Logits()
			if err != nil {
				return err
			}
			j.ask.Logits(logits)
		}
	}
	return nil
}

// changes are the comparisons of the first n rows of an ask, the first of which is comparison `at` of the pass.
func (s *Session) changes(a *Ask, at, n int) []float32 {
	q := &s.seqs[a.Seq]
	var list []float32
	for i := range n {
		c := s.io.distance(at + i)
		switch {
		case a.Compare == CompareDifference || !q.compared:
			list = append(list, sqrt32(c.First/c.Now))
		case i < q.deltas:
			list = append(list, sqrt32(c.Second/c.Now))
		}
	}
	q.deltas, q.compared = max(n, 0), true
	return list
}

// passes gathers the programs of a round: begin, core steps, finish.
type passes struct {
	s    *Session
	keys []programKey
	err  error
}

func (p *passes) add(key programKey) { p.keys = append(p.keys, key) }

func (p *passes) run(ctx context.Context) error {
	if p.err != nil || len(p.keys) == 0 {
		return p.err
	}
	if p.s.opt.Taps != nil {
		return p.s.tapped(ctx, p.keys)
	}
	p.s.tidy()
	list := make([]*vk.Program, len(p.keys))
	for i, k := range p.keys {
		var err error
		if list[i], err = p.s.program(k); err != nil {
			return err
		}
	}
	return p.s.m.dev.Run(ctx, vk.RunOptions{PerSubmit: p.s.opt.StepsPerSubmit}, list...)
}

func (p *passes) begin(jobs []*job) {
	key := programKey{part: "begin"}
	var table []shaders.Row
	var normed []shaders.Move
	for _, j := range jobs {
		for _, slot := range j.normed {
			normed = append(normed, shaders.Move{From: uint32(slot), To: uint32(len(normed))})
		}
		for i, r := range j.rows {
			if !r.Begin && r.From == FromOwn && r.Mix == 0 && !j.adaptive() && j.ask.Compare == CompareNone {
				continue // goes on as it is
			}
			if j.table[i].Start == shaders.StartGiven {
				key.given = true
				if p.err == nil {
					p.err = p.s.putGiven(j.ask.Seq, r.Pos, len(table))
				}
			}
			table = append(table, j.table[i])
		}
	}
	if key.rows = len(table); key.rows > 0 && p.err == nil {
		key.carried = len(normed)
		p.s.io.putMoves(p.s.io.carryUp, normed)
		p.s.io.putRows(p.s.io.begin, table)
		p.add(key)
	}
}

func (p *passes) steps(live []*job, steps int) {
	if steps == 0 || p.err != nil {
		return
	}
	s := p.s
	var table, check []shaders.Row
	var last, groupOf []uint32
	var probes []string
	var noise, follow bool
	for g := range s.seqs {
		s.io.putGroup(g, shaders.ExitRule{}, shaders.Progress{Done: true}) // of the sequences that stand still
	}
	for _, j := range live {
		g := j.ask.Seq
		s.io.putGroup(g, j.rule, j.progress)
		for _, r := range j.table {
			r.Step += j.progress.Taken
			r.Group = uint32(g)
			table = append(table, r)
			if j.probe != "" {
				check = append(check, r)
			}
		}
		noise, follow = noise || j.ask.Noise.Weight != 0, follow || j.adaptive()
		if j.probe != "" {
			last, groupOf = append(last, uint32(len(check)-1)), append(groupOf, uint32(g))
			if !slices.Contains(probes, j.probe) {
				probes = append(probes, j.probe)
			}
		}
	}
	s.io.putRows(s.io.live, table)
	p.add(programKey{part: "enter", rows: len(table), follow: follow})
	if len(check) > 0 {
		s.io.putRows(s.io.check, check)
		s.io.putChecks(last, groupOf)
		p.add(programKey{part: "watch", rows: len(check), outputs: len(last)})
	}
	alone := len(live) == 1
	for i := range steps {
		p.add(programKey{part: "step", rows: len(table), follow: follow, noise: noise})
		if slices.ContainsFunc(live, func(j *job) bool { return j.probe != "" && j.due(j.progress.Taken+uint32(i)) }) {
			p.add(programKey{part: "check", rows: len(check), outputs: len(last), alone: alone})
			for _, probe := range probes {
				p.add(programKey{part: "probe", probe: probe, outputs: len(last), alone: alone})
			}
		}
		if follow {
			p.add(programKey{part: "settle", rows: len(table)})
		}
	}
}

func (p *passes) finish(jobs []*job) {
	if len(jobs) == 0 || p.err != nil {
		return
	}
	s := p.s
	var table []shaders.Row
	outs := outputTables{}
	for _, j := range jobs {
		for i, r := range j.table {
			if i >= len(j.table)-j.outputs {
				outs.add(s, j, i, len(table))
			}
			table = append(table, r)
		}
		outs.compare(s, j)
	}
	s.io.putRows(s.io.finish, table)
	outs.put(&s.io)
	if n := len(outs.pairs); n > 0 {
		p.add(programKey{part: "compare", pairs: n})
	}
	p.add(programKey{part: "finish", rows: len(table)})
	if n := len(outs.moves); n > 0 {
		p.add(programKey{part: "head", outputs: n, every: n == len(table)})
		p.add(programKey{part: "pick", outputs: n, sampled: outs.sampled, edited: len(outs.edits) > 0})
	}
}

// leave brings back how far the groups are: of one ask alone only its own.
func (p *passes) leave(live []*job) {
	switch {
	case !slices.ContainsFunc(live, (*job).adaptive):
	case len(live) == 1:
		p.add(programKey{part: "leave", alone: true, group: live[0].ask.Seq})
	default:
		p.add(programKey{part: "leave"})
	}
}
