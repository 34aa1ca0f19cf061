package ref

import (
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Take is y[n] = x[slot of row n]. x (slots, d).
func Take(x []float32, table []shaders.Row, d int) []float64 {
	var y []float64
	for _, r := range table {
		y = append(y, plain.Widen(x[int(r.Slot)*d:][:d])...)
	}
	return y
}

func takeCases() []Case {
	list := normCases("take", 1, func(t *trial, s normSize) {
		in := newSlotted(s.n, s.String())
		values := source{seed("take", s.String()), s.family, format.F32, s.d}.all(in.slots)
		x, y := t.input("x", values, in.slots, s.d), t.output("y", s.n, s.d)
		rows, _ := t.rows(in.table, false)
		t.check(func(r *shaders.Recorder) { r.Take(y.Tensor, x.Tensor, rows) },
			func(v *verdict) { v.tensor(y, zeroPadding, Take(values, in.table, s.d)) })
	})
	for i := range list {
		list[i].Limit, list[i].Why = 0, "a copy"
	}
	return list
}
