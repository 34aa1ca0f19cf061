package engine

import (
	"math"
	"slices"

	"muninn/model/decode"
	"muninn/shaders"
)

// outputTables say of which rows the logits are wanted, and how the tokens that follow them are picked.
type outputTables struct {
	moves   []shaders.Move // row of the pass to row of the logits
	filters []shaders.Filter
	edits   []shaders.Edit
	given   []uint32       // tokens whose distance to the largest logit is wanted
	pairs   []shaders.Pair // states to compare
	sampled bool
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
	pick := j.task.Pick
	if pick == nil {
		return
	}
	q := &s.seqs[j.task.Seq]
	before := q.tokens[:j.rows[0].Pos:j.rows[0].Pos]
	var rows []int32
	for _, r := range j.rows[:i+1] {
		rows = append(rows, r.Token)
	}
	for _, e := range pick.Edits(slices.Concat(before, rows)) {
		o.edits = append(o.edits, shaders.Edit{Row: at, Token: uint32(e.Token), Scale: e.Scale, Add: e.Add})
	}
	if !pick.Greedy {
		o.filters[at] = filterFor(pick, decode.Uniform(decode.SequenceKey(pick.Seed, q.setting.Stream), j.rows[i].Pos))
		o.sampled = true
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
	x.putMoves(x.outputsUp, o.moves)
	x.putWords(x.givenTokensUp, o.given)
	x.putPairs(o.pairs)
	x.putFilters(o.filters)
	x.putEdits(o.edits)
}

// filterFor is the sampling as the device takes it, for a uniform number in (0, 1).
func filterFor(p *decode.Filters, u float64) shaders.Filter {
	f := shaders.Filter{InverseTemperature: 1, TopK: uint32(p.TopK), TopP: float32(p.TopP), MinP: float32(p.MinP), U: float32(u), Enabled: 1}
	if p.Temperature != 0 {
		f.InverseTemperature = float32(1 / p.Temperature)
	}
	return f
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// putGiven writes the initial state that the caller gives for a position, as row i of a pass.
func (s *scheduler) putGiven(seq, pos, i int) error {
	return s.io.putState(s, i, s.seqs[seq].setting.States(pos))
}
