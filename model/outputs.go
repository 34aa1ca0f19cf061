package model

import (
	"math"
	"slices"

	"muninn/shaders"
)

// outputTables say of which rows the logits are wanted, and how the tokens that follow them are picked.
type outputTables struct {
	moves   []shaders.Move // row of the pass to row of the logits
	filters []shaders.Filter
	edits   []shaders.Edit
	carry   []shaders.Move // last rows of sequences with continuous compute
	sampled bool
}

// add wants the logits of row i of a job, which is row `row` of the pass.
func (o *outputTables) add(s *Session, j *job, i, row int) {
	at := uint32(len(o.moves))
	o.moves = append(o.moves, shaders.Move{From: uint32(row), To: at})
	o.filters = append(o.filters, shaders.Filter{})
	pick := j.ask.Pick
	if pick == nil {
		return
	}
	q := &s.seqs[j.ask.Seq]
	before := q.tokens[:j.rows[0].Pos:j.rows[0].Pos]
	var rows []int32
	for _, r := range j.rows[:i+1] {
		rows = append(rows, r.Token)
	}
	for _, e := range pick.Edits(slices.Concat(before, rows)) {
		o.edits = append(o.edits, shaders.Edit{Row: at, Token: uint32(e.Token), Scale: e.Scale, Add: e.Add})
	}
	if !pick.Greedy {
		o.filters[at] = pick.filter(Uniform(SequenceKey(pick.Seed, q.setting.Stream), j.rows[i].Pos))
		o.sampled = true
	}
}

func (o *outputTables) put(x *exchange) {
	x.putMoves(x.outputsUp, o.moves)
	x.putMoves(x.carryUp, o.carry)
	x.putFilters(o.filters)
	x.putEdits(o.edits)
}

// filter is the sampling as the device takes it, for a uniform number in (0, 1).
func (p *Sampling) filter(u float64) shaders.Filter {
	f := shaders.Filter{InverseTemperature: 1, TopK: uint32(p.TopK), TopP: float32(p.TopP), MinP: float32(p.MinP), U: float32(u), Enabled: 1}
	if p.Temperature != 0 {
		f.InverseTemperature = float32(1 / p.Temperature)
	}
	return f
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }
