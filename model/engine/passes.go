package engine

import (
	"context"
	"slices"

	"muninn/model/decode"
	"muninn/shaders"
)

// passes gathers the programs of an iteration: begin, core steps, finish.
type passes struct {
	s    *scheduler
	keys []programKey
	err  error

	progress func(done, total int) // of what is submitted; may be nil
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
	if err := ctx.Err(); err != nil {
		return err // before anything is compiled
	}
	list, err := p.s.all(p.keys)
	if err != nil {
		return err
	}
	p.s.ahead(p.keys)
	return p.s.run(ctx, p.progress, list...)
}

func (p *passes) begin(jobs []*job) {
	key := programKey{part: "begin"}
	var table []shaders.Row
	var normed []shaders.Move
	var slots, mixes bool
	for _, j := range jobs {
		for _, slot := range j.normed {
			normed = append(normed, shaders.Move{From: uint32(slot), To: uint32(len(normed))})
		}
		for i, r := range j.rows {
			if !r.Begin && r.From == decode.FromOwn && r.Mix == 0 && !j.adaptive() && j.task.Compare == decode.CompareNone {
				continue // goes on as it is
			}
			if j.table[i].Start == shaders.StartGiven && p.s.m.Config.StartsDrawn() {
				key.given = true
				if p.err == nil {
					p.err = p.s.putGiven(j.task.Seq, r.Pos, len(table))
				}
			}
			table = append(table, j.table[i])
			slots, mixes = slots || j.table[i].Start.FromCell(), mixes || r.Mix > 0
		}
	}
	if key.rows = len(table); key.rows > 0 && p.err == nil {
		key.carried, key.mixed = len(normed), slots && mixes
		put(p.s.io.carry, shaders.MoveBytes, normed)
		put(p.s.io.begin, shaders.RowBytes, table)
		p.add(key)
	}
}

func (p *passes) steps(live []*job, steps int) {
	if steps == 0 || p.err != nil {
		return
	}
	s := p.s
	var table, check []shaders.Row
	var last []shaders.Move // the last rows of the groups in check
	var groupOf []uint32
	var logitCriteria []programKey
	for g := range s.seqs {
		s.io.putGroup(g, shaders.ExitRule{}, shaders.Progress{Done: true}, shaders.Readout{}) // of the sequences that stand still
	}
	for _, j := range live {
		g := j.task.Seq
		s.io.putGroup(g, j.rule, j.progress, j.readout)
		for _, r := range j.table {
			r.Step += j.progress.Taken
			r.Group = uint32(g)
			table = append(table, r)
			if j.logitCriterion != "" {
				check = append(check, r)
			}
		}
		if j.logitCriterion != "" {
			last, groupOf = append(last, shaders.Move{From: uint32(len(check) - 1), To: uint32(len(last))}), append(groupOf, uint32(g))
			if k := (programKey{part: "criterion", logitCriterion: j.logitCriterion, criterion: j.rule.Criterion}); !slices.Contains(logitCriteria, k) {
				logitCriteria = append(logitCriteria, k)
			}
		}
	}
	put(s.io.live, shaders.RowBytes, table)
	step := stepKey(live)
	p.add(programKey{part: "enter", rows: step.rows, follow: step.follow, read: step.read})
	if len(check) > 0 {
		put(s.io.check, shaders.RowBytes, check)
		put(s.io.last, shaders.MoveBytes, last)
		putWords(s.io.group, groupOf...)
		p.add(programKey{part: "watch", rows: len(check), outputs: len(last)})
	}
	alone := len(live) == 1
	for i := range steps {
		checked := slices.ContainsFunc(live, func(j *job) bool { return j.logitCriterion != "" && j.due(j.progress.Taken+uint32(i)) })
		k := step
		k.retire = k.follow && !checked
		p.add(k)
		if checked {
			p.add(programKey{part: "check", rows: len(check), outputs: len(last), alone: alone})
			for _, k := range logitCriteria {
				k.outputs, k.alone = len(last), alone
				p.add(k)
			}
			p.add(programKey{part: "retire", rows: len(table)})
		}
	}
}

// stepKey is the program of a core step of jobs, but for whether it retires rows.
func stepKey(live []*job) programKey {
	k := programKey{part: "step"}
	for _, j := range live {
		k.rows += len(j.rows)
		k.noise = k.noise || j.task.Noise.Weight != 0
		k.follow = k.follow || j.adaptive() || j.reads()
		k.gate = k.gate || j.rule.Measure == shaders.MeasureGate || j.reads()
		k.read = k.read || j.reads()
	}
	return k
}

func (p *passes) finish(jobs []*job) {
	if len(jobs) == 0 || p.err != nil {
		return
	}
	s := p.s
	var table []shaders.Row
	outs := outputTables{}
	read := slices.ContainsFunc(jobs, (*job).reads)
	for _, j := range jobs {
		for i, r := range j.table {
			if read { // see pass.finish
				r.Step = 1
				if j.reads() {
					r.Step = 0
				}
			}
			if i >= len(j.table)-j.outputs {
				outs.add(s, j, i, len(table))
			}
			table = append(table, r)
		}
		outs.compare(s, j)
	}
	put(s.io.finish, shaders.RowBytes, table)
	outs.put(&s.io)
	s.ranked = outs.likely || len(outs.edits) > 0 // penalties are not in log probabilities
	if n := len(outs.pairs); n > 0 {
		p.add(programKey{part: "compare", pairs: n})
	}
	p.add(programKey{part: "finish", rows: len(table), read: read})
	if n := len(outs.moves); n > 0 {
		p.add(programKey{part: "head", outputs: n, every: n == len(table)})
		p.add(programKey{part: "pick", outputs: n, sampled: outs.sampled, edges: outs.edges, edited: len(outs.edits) > 0, likely: s.ranked, read: read})
	}
}

// leave brings back how far the groups are: of one task alone only its own.
func (p *passes) leave(live []*job) {
	switch {
	case !slices.ContainsFunc(live, (*job).adaptive):
	case len(live) == 1:
		p.add(programKey{part: "leave", alone: true, group: live[0].task.Seq})
	default:
		p.add(programKey{part: "leave"})
	}
}
