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
// A job alone needs no look at it on the way: all its steps are recorded, and once it has settled the rest do nothing.
func (s *Session) round(ctx context.Context, jobs []*job) (done []*job, err error) {
	fresh, err := s.admit(jobs)
	if err != nil {
		return nil, err
	}
	live := slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.started })
	steps := horizon(live)
	var finish, poll []*job
	for _, j := range live {
		switch {
		case j.left() == steps:
			finish = append(finish, j)
		case j.adaptive():
			poll = append(poll, j)
		}
	}
	p := &plan3{s: s}
	p.begin(fresh)
	p.steps(live, steps)
	p.finish(finish)
	p.leave(live, len(poll) > 0)
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	for i, j := range live {
		j.progress.Taken += uint32(steps)
		if j.adaptive() {
			j.progress = s.io.progressOf(i)
		}
		if err := s.values(j, i); err != nil {
			return nil, err
		}
	}
	poll = slices.DeleteFunc(poll, func(j *job) bool { return !j.progress.Done })
	if err := s.results(finish); err != nil {
		return nil, err
	}
	if len(poll) > 0 {
		p = &plan3{s: s}
		p.finish(poll)
		if err := p.run(ctx); err != nil {
			return nil, err
		}
		if err := s.results(poll); err != nil {
			return nil, err
		}
	}
	for _, j := range append(finish, poll...) {
		if s.done(j) {
			done = append(done, j)
		}
	}
	return done, nil
}

// admit begins chunks of the jobs that have none under way, as far as a pass has room for their rows.
func (s *Session) admit(jobs []*job) (fresh []*job, err error) {
	s.free = append(s.free, s.later...)
	s.later = s.later[:0]
	rows, outputs := s.opt.Rows, s.opt.Outputs
	for _, j := range jobs {
		if j.started {
			rows, outputs = rows-len(j.rows), outputs-j.outputs
		}
	}
	for _, j := range jobs {
		if j.started {
			continue
		}
		size := min(rows, s.opt.Rows)
		if j.ask.Outputs > 1 {
			size = min(size, outputs)
		}
		if size < 1 || outputs < 1 {
			break // when rows that are under way have left
		}
		if err := s.begin(j, size); err != nil {
			return nil, err
		}
		fresh = append(fresh, j)
		rows, outputs = rows-len(j.rows), outputs-j.outputs
	}
	return fresh, nil
}

// horizon is how many steps live jobs take before one may have to leave.
func horizon(live []*job) int {
	steps := live[0].left()
	for _, j := range live[1:] {
		steps = min(steps, j.left())
	}
	if len(live) == 1 {
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

// values hands out what the criterion of the i-th live job came to, where somebody asks.
func (s *Session) values(j *job, i int) error {
	if j.ask.Exit == nil || j.ask.Exit.Values == nil || !j.adaptive() {
		return nil
	}
	n := min(int(j.progress.Checks), maxChecks)
	if n == len(j.values) {
		return nil
	}
	raw := make([]byte, 4*n)
	if err := s.m.dev.Read(s.groups.Values.Slice(uint64(4*i*maxChecks), uint64(4*n)), raw); err != nil {
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
	s.last = s.last[:0]
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
		}
		at += j.outputs
		if a.Compare != CompareNone {
			a.Changes = append(a.Changes, s.changes(j, row)...)
		}
		row += len(j.rows)
		for _, r := range j.table {
			s.last = append(s.last, int(r.Slot))
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

// changes are the comparisons of a finished job's rows, the first of which is at row `row` of the pass.
func (s *Session) changes(j *job, row int) []float32 {
	list := make([]float32, len(j.rows))
	q := &s.seqs[j.ask.Seq]
	for i := range list {
		c := s.io.change(row + i)
		need, over := 1, c.First
		if j.ask.Compare == CompareAcceleration {
			need, over = 2, c.Second
		}
		list[i] = 1
		if j.compared[i] >= need {
			list[i] = sqrt32(over / c.Now)
		}
		q.flights[i].compares = j.compared[i] + 1
	}
	return list
}

// plan3 gathers the programs of a round: begin, core steps, finish.
type plan3 struct {
	s    *Session
	list []*vk.Program
	err  error
}

func (p *plan3) add(key programKey, times int) {
	if p.err != nil {
		return
	}
	prog, err := p.s.program(key)
	if err != nil {
		p.err = err
		return
	}
	for range times {
		p.list = append(p.list, prog)
	}
}

func (p *plan3) run(ctx context.Context) error {
	if p.err != nil || len(p.list) == 0 {
		return p.err
	}
	return p.s.m.dev.Run(ctx, vk.RunOptions{PerSubmit: p.s.opt.StepsPerSubmit}, p.list...)
}

func (p *plan3) begin(jobs []*job) {
	key := programKey{part: "begin"}
	var table []shaders.Row
	for _, j := range jobs {
		for i, r := range j.rows {
			if !r.Begin && r.From == FromOwn && !j.adaptive() {
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
		p.s.io.putRows(p.s.io.begin, table)
		p.add(key, 1)
	}
}

func (p *plan3) steps(live []*job, steps int) {
	if steps == 0 || p.err != nil {
		return
	}
	s := p.s
	var table []shaders.Row
	var check []shaders.Row
	var last, groupOf []uint32
	var probes []string
	key := programKey{part: "enter", groups: len(live)}
	for g, j := range live {
		s.io.putGroup(g, j.rule, j.progress)
		for _, r := range j.table {
			r.Step += j.progress.Taken
			r.Group = uint32(g)
			table = append(table, r)
			key.noise = key.noise || j.ask.Noise.Weight != 0
			if j.probe != "" {
				check = append(check, r)
			}
		}
		key.follow = key.follow || j.adaptive()
		if j.probe != "" {
			last, groupOf = append(last, uint32(len(check)-1)), append(groupOf, uint32(g))
			if !slices.Contains(probes, j.probe) {
				probes = append(probes, j.probe)
			}
		}
	}
	key.rows, key.checked, key.checks = len(table), len(check), len(last)
	s.io.putRows(s.io.live, table)
	s.io.putRows(s.io.check, check)
	s.io.putChecks(last, groupOf)
	p.add(key, 1)

	step := programKey{part: "step", rows: len(table), follow: key.follow, noise: key.noise}
	if key.follow {
		step.groups = len(live)
	}
	slices.Sort(probes)
	for i := range steps {
		k := step
		for _, j := range live {
			if j.probe != "" && j.due(j.progress.Taken+uint32(i)) {
				k.part, k.checked, k.checks = "check", key.checked, key.checks
				k.probes = fmt.Sprint(probes)
			}
		}
		p.add(k, 1)
	}
}

func (p *plan3) finish(jobs []*job) {
	if len(jobs) == 0 || p.err != nil {
		return
	}
	s := p.s
	key := programKey{part: "finish"}
	var table []shaders.Row
	outs := outputTables{}
	for _, j := range jobs {
		for i, r := range j.table {
			if i >= len(j.table)-j.outputs {
				outs.add(s, j, i, len(table))
			}
			table = append(table, r)
		}
		if s.seqs[j.ask.Seq].setting.ContinuousCompute {
			outs.carry = append(outs.carry, shaders.Move{From: uint32(len(table) - 1), To: uint32(j.ask.Seq)})
		}
		key.compare = key.compare || j.ask.Compare != CompareNone
	}
	key.rows, key.outputs, key.carried = len(table), len(outs.moves), len(outs.carry)
	key.sampled, key.edited = outs.sampled, len(outs.edits) > 0
	s.io.putRows(s.io.finish, table)
	outs.put(&s.io)
	p.add(key, 1)
}

// leave brings back how far the groups are.
func (p *plan3) leave(live []*job, _ bool) {
	if slices.ContainsFunc(live, (*job).adaptive) {
		p.add(programKey{part: "leave", groups: len(live)}, 1)
	}
}
