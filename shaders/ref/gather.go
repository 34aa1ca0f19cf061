package ref

import (
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Gather is y[n] = x[cell of row n]. x (cells, d).
func Gather(x []float32, table []shaders.Row, d int) []float64 {
	var y []float64
	for _, r := range table {
		y = append(y, plain.Widen(x[int(r.Cell)*d:][:d])...)
	}
	return y
}

func gatherCases() []Case {
	list := normCases("gather", 1, func(t *trial, s normSize) {
		in := newCellTable(s.n, s.String())
		values := source{seed("take", s.String()), s.family, format.F32, s.d}.all(in.cells)
		x, y := t.input("x", values, in.cells, s.d), t.output("y", s.n, s.d)
		rows, _ := t.rows(in.table, false)
		t.check(func(r *shaders.Recorder) { r.Gather(y.Tensor, x.Tensor, rows) },
			func(v *verdict) { v.tensor(y, zeroPadding, Gather(values, in.table, s.d)) })
	})
	for i := range list {
		list[i].Limit, list[i].Why = 0, "a copy"
	}
	return list
}
