package ref

import (
	"math"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// scatter is (1 - ema) x[n] + ema old of each row, ema being the size of the row's EMA; old is its cell's row of embeds, or zero
// where the EMA is negative. x (n, d); embeds (cells, d).
func scatter(embeds, x []float32, table []shaders.Row, d int) []float64 {
	var y []float64
	for n, r := range table {
		old := make([]float32, d)
		if r.EMA > 0 {
			old = embeds[int(r.Cell)*d:][:d]
		}
		y = append(y, plain.Blend(x[n*d:][:d], old, math.Abs(float64(r.EMA)))...)
	}
	return y
}

func scatterCases() []Case {
	c := Case{Op: "scatter", Limit: 1e-13, Why: "two float32 multiplications and an addition"}
	return append(each(c, normSizes(2), scatterTrial), each(Case{Op: "scatter", Name: "vector ", Why: "a copy"}, normSizes(3), scatterVectorTrial)...)
}

// scatterVectorTrial has rows that begin, for the first time and again, and rows that do not.
func scatterVectorTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	v := t.values("v", s.family, 1, s.d)
	y := t.inout("y", t.values("y", uniform, in.cells, s.d), s.d)
	want := plain.Widen(y.x)
	for n := range in.table {
		r := &in.table[n]
		if r.EMA = []float32{0, 1, math.Float32frombits(1 << 31), -0.5}[(n+s.d)%4]; r.EMA != 1 {
			copy(want[int(r.Cell)*s.d:][:s.d], plain.Widen(v))
		}
	}
	rows, _ := t.rows(in.table, false)
	vector := t.floats("v", v)
	t.check(func(r *shaders.Recorder) { r.ScatterVector(y.Tensor, vector, rows) }, becomes(y, want))
}

func scatterTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	before := t.values("embeds", uniform, in.cells, s.d)
	for n := range in.table {
		r := &in.table[n]
		r.EMA = []float32{0.3, 0, -0.3, 1, -1, 0.75}[(n+s.d)%6]
		if r.EMA <= 0 { // what lies there was never written
			copy(before[int(r.Cell)*s.d:], filler(s.d))
		}
	}
	x, embeds := t.drawn("x", s.family, s.n, s.d), t.inout("embeds", before, s.d)
	rows, _ := t.rows(in.table, false)
	want := scattered(plain.Widen(before), scatter(before, x.x, in.table, s.d), in.table, s.d)
	t.check(func(r *shaders.Recorder) { r.Scatter(embeds.Tensor, x.Tensor, rows) }, becomes(embeds, want))
}
