package engine

import (
	"fmt"
	"math"
	"slices"

	"muninn/model/decode"
	"muninn/model/engine/weights"
	"muninn/shaders"
)

// outputTables say of which rows the logits are wanted, and how the tokens that follow them are picked.
type outputTables struct {
	moves   []shaders.Move // row of the pass to row of the logits
	filters []shaders.Filter
	edits   []shaders.Edit
	given   []uint32       // tokens whose distance to the largest logit is wanted
	wanted  []uint32       // how many of the likeliest tokens
	likely  bool           // any
	pairs   []shaders.Pair // states to compare
	sampled bool
	edges   bool // any filter has a top-k or a top-p
}

// add wants the logits of row i of a job, which is row `row` of the pass.
func (o *outputTables) add(s *scheduler, j *job, i, row int) {
	at := uint32(len(o.moves))
	o.moves = append(o.moves, shaders.Move{From: uint32(row), To: at})
	o.filters = append(o.filters, shaders.Filter{})
	o.given = append(o.given, 0)
	if g := j.task.Given; g != nil {
		o.given[at] = uint32(g[len(g)-(len(j.task.Rows)-j.next-i)])
	}
	o.wanted, o.likely = append(o.wanted, uint32(j.task.Top)), o.likely || j.task.Top > 0
	pick, last := j.task.Pick, j.next+i == len(j.task.Rows)-1
	if pick == nil || j.task.Score && !last {
		return
	}
	q := &s.seqs[j.task.Seq]
	before := q.tokens[:j.rows[0].Pos:j.rows[0].Pos]
	var rows []int32
	for _, r := range j.rows[:i+1] {
		rows = append(rows, r.Token)
	}
	for _, e := range pick.Edits(slices.Concat(before, rows), j.task.Begun) {
		o.edits = append(o.edits, shaders.Edit{Row: at, Token: uint32(e.Token), Scale: e.Scale, Add: e.Add})
	}
	if !pick.Greedy {
		o.filters[at] = filterFor(pick, decode.Uniform(decode.SequenceKey(pick.Seed, q.setting.Stream), j.rows[i].Pos))
		o.sampled, o.edges = true, o.edges || o.filters[at].Edges()
	}
}

// compare wants the rows of a job compared, as its task says.
func (o *outputTables) compare(s *scheduler, j *job) {
	a, q := j.task, &s.seqs[j.task.Seq]
	if a.Compare == decode.CompareNone {
		return
	}
	for i := 0; i+a.Shift < len(j.table); i++ {
		o.pairs = append(o.pairs, shaders.Pair{
			Cell: j.table[i].Cell, From: j.table[i+a.Shift].Cell,
			Kept: uint32(a.Seq*s.opt.Compares + i), Fresh: i >= q.deltas,
		})
	}
}

func (o *outputTables) put(x *exchange) {
	put(x.outputs, shaders.MoveBytes, o.moves)
	putWords(x.given, o.given...)
	putWords(x.wanted, o.wanted...)
	put(x.pairs, shaders.PairBytes, o.pairs)
	put(x.filters, shaders.FilterBytes, o.filters)
	put(x.edits, shaders.EditBytes, o.edits)
	putWords(x.count, uint32(len(o.edits)))
}

// filterFor is the sampling as the device takes it, for a uniform number in (0, 1).
func filterFor(p *decode.Filters, u float64) shaders.Filter {
	f := shaders.Filter{InverseTemperature: 1, TopK: uint32(p.TopK), TopP: float32(p.TopP), MinP: float32(p.MinP), U: float32(u), Enabled: 1}
	if p.Temperature != 0 {
		f.InverseTemperature = float32(1 / p.Temperature)
	}
	return f
}

// values hands out what the criterion of a live job came to, where somebody asks.
func (s *scheduler) values(j *job) error {
	if j.task.Exit == nil || j.task.Exit.Values == nil || !j.adaptive() {
		return nil
	}
	n := min(int(j.progress.Checks), maxChecks)
	if n == len(j.values) {
		return nil
	}
	raw := make([]byte, 4*n)
	if err := s.m.dev.Read(s.groups.Values.Slice(uint64(4*j.task.Seq*maxChecks), uint64(4*n)), raw); err != nil {
		return err
	}
	all := weights.BytesToFloats(raw)
	for k := len(j.values); k < n; k++ {
		j.task.Exit.Values(j.task.Exit.MinSteps+k*max(j.task.Exit.Every, 1)+1, float64(all[k]))
	}
	j.values = all
	return nil
}

// results reads what finished jobs came to.
func (s *scheduler) results(jobs []*job) error {
	at, row := 0, 0
	for _, j := range jobs {
		a := j.task
		for i := range j.outputs {
			c := shaders.DecodeChoice(s.io.choices.host.Bytes()[(at+i)*shaders.ChoiceBytes:])
			r := j.rows[len(j.rows)-j.outputs+i]
			if c.Token == shaders.NoToken {
				return fmt.Errorf("model: the logits after position %d of sequence %d hold no number or are all equal: the weights or a kernel are broken; run `muninn check` on this device", r.Pos, a.Seq)
			}
			taken := int(j.progress.Taken)
			if j.reads() {
				cell := j.table[len(j.rows)-j.outputs+i].Cell
				taken = int(shaders.DecodeExitGate(s.io.gates.host.Bytes()[cell*shaders.ExitGateBytes:]).Read)
			}
			likely := s.likelyOf(at+i, c)
			choice := decode.Choice{Seq: a.Seq, Pos: r.Pos, Token: int32(c.Token), Steps: r.Step + taken,
				Logit: c.Logit, LogProb: likely.Chosen, Margin: c.Margin, Kept: int(c.Kept)}
			for _, l := range likely.Top {
				choice.Top = append(choice.Top, decode.Likely{Token: int32(l.Token), LogProb: l.LogProb})
			}
			a.Choices = append(a.Choices, choice)
			if a.Given != nil {
				a.Below, a.LogProbs = append(a.Below, c.Below), append(a.LogProbs, likely.Given)
			}
		}
		at += j.outputs
		if a.Compare != decode.CompareNone {
			n := len(j.rows) - a.Shift
			a.Changes = s.changes(a, row, n)
			row += max(n, 0)
		}
	}
	s.outputs = at
	if err := s.states(jobs); err != nil {
		return err
	}
	at = 0
	for _, j := range jobs {
		if j.task.Logits != nil && j.outputs > 0 {
			logits, err := s.Logits()
			if err != nil {
				return err
			}
			j.task.Logits(logits[at : at+j.outputs])
		}
		at += j.outputs
	}
	return nil
}

// states hands out those of jobs where somebody asks.
func (s *scheduler) states(jobs []*job) error {
	for _, j := range jobs {
		if j.task.States == nil {
			continue
		}
		first, end := s.opt.cells(), 0
		for _, r := range j.table {
			first, end = min(first, int(r.Cell)), max(end, int(r.Cell)+1)
		}
		all, err := s.read(s.buf.State.From(first, end-first), end-first)
		if err != nil {
			return err
		}
		rows := make([][]float32, len(j.table))
		for i, r := range j.table {
			rows[i] = all[int(r.Cell)-first]
		}
		j.task.States(rows)
	}
	return nil
}

// likelyOf are the log probabilities of an output of the pass.
func (s *scheduler) likelyOf(i int, c shaders.Choice) shaders.Likely {
	if s.ranked {
		return shaders.DecodeLikely(s.io.likely.host.Bytes()[i*shaders.LikelyBytes:])
	}
	return shaders.Likely{Chosen: c.LogProb, Given: -c.Below - c.LSE}
}

// changes are the comparisons of the first n rows of a task, the first of which is comparison `at` of the pass.
func (s *scheduler) changes(a *decode.Task, at, n int) []float32 {
	q := &s.seqs[a.Seq]
	var list []float32
	for i := range n {
		c := shaders.DecodeDistance(s.io.distances.host.Bytes()[(at+i)*shaders.DistanceBytes:])
		switch {
		case a.Compare == decode.CompareDifference || !q.compared:
			list = append(list, sqrt32(c.First/c.Now))
		case i < q.deltas:
			list = append(list, sqrt32(c.Second/c.Now))
		}
	}
	q.deltas, q.compared = max(n, 0), true
	return list
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }
