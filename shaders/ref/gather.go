package ref

import (
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// gather is y[n] = x[cell of row n]. x (cells, d).
func gather(x []float32, table []shaders.Row, d int) []float64 {
	var y []float64
	for _, r := range table {
		y = append(y, plain.Widen(x[int(r.Cell)*d:][:d])...)
	}
	return y
}

func gatherCases() []Case {
	c := Case{Op: "gather", Why: "a copy"}
	first, sum := c, c
	first.Name, sum.Name = "first ", "sum "
	sum.Limit, sum.Why = 1e-13, "a float32 addition"
	return slices.Concat(each(c, normSizes(1), gatherTrial), each(first, normSizes(2), gatherFirstTrial), each(sum, normSizes(3), gatherSumTrial))
}

func gatherTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	rows, _ := t.rows(in.table, false)
	x, y := t.drawn("x", s.family, in.cells, s.d), t.output("y", s.n, s.d)
	y.padded = true
	t.check(func(r *shaders.Recorder) { r.Gather(y.Tensor, x.Tensor, rows) }, becomes(y, gather(x.x, in.table, s.d)))
}

// gatherFirstTrial has rows at steps before and after their first.
func gatherFirstTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	for n := range in.table {
		in.table[n].Step = uint32(n+s.d) % 3
	}
	rows, _ := t.rows(in.table, false)
	x, y := t.drawn("x", s.family, in.cells, s.d), t.inout("y", t.values("y", uniform, s.n, s.d), s.d)
	want := gather(x.x, in.table, s.d)
	for n, r := range in.table {
		if r.Step > 0 {
			copy(want[n*s.d:][:s.d], plain.Widen(y.x[n*s.d:][:s.d]))
		}
	}
	t.check(func(r *shaders.Recorder) { r.GatherFirst(y.Tensor, x.Tensor, rows) }, becomes(y, want))
}

func gatherSumTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	rows, _ := t.rows(in.table, false)
	a, b, y := t.drawn("a", s.family, in.cells, s.d), t.drawn("b", s.family, in.cells, s.d), t.output("y", s.n, s.d)
	y.padded = true
	want := plain.Add(gather(a.x, in.table, s.d), gather(b.x, in.table, s.d))
	t.check(func(r *shaders.Recorder) { r.GatherSum(y.Tensor, a.Tensor, b.Tensor, rows) }, becomes(y, want))
}
