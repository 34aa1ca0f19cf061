package ref

import (
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

func gatherCases() []Case { return each(Case{Op: "gather", Why: "a copy"}, normSizes(1), gatherTrial) }

func gatherTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	rows, _ := t.rows(in.table, false)
	x, y := t.drawn("x", s.family, in.cells, s.d), t.output("y", s.n, s.d)
	y.padded = true
	t.check(func(r *shaders.Recorder) { r.Gather(y.Tensor, x.Tensor, rows) }, becomes(y, gather(x.x, in.table, s.d)))
}
