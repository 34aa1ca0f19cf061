package ref

import (
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Scatter is (1 - ema) x[n] + ema old of each row, ema being the size of the row's EMA; old is its cell's row of embeds, or zero
// where the EMA is negative. x (n, d); embeds (cells, d).
func Scatter(embeds, x []float32, table []shaders.Row, d int) []float64 {
	y := plain.Widen(x)
	for n, r := range table {
		ema := math.Abs(float64(r.EMA))
		for i := range d {
			y[n*d+i] *= 1 - ema
			if r.EMA > 0 {
				y[n*d+i] += ema * float64(embeds[int(r.Cell)*d+i])
			}
		}
	}
	return y
}

func scatterCases() []Case {
	list := normCases("scatter", 2, scatterTrial)
	for i := range list {
		list[i].Limit, list[i].Why = 1e-13, "two float32 multiplications and an addition"
	}
	return list
}

func scatterTrial(t *trial, s normSize) {
	in := newCellTable(s.n, s.String())
	values := source{seed("place", s.String()), s.family, format.F32, s.d}.all(s.n)
	before := source{seed("embeds", s.String()), uniform, format.F32, s.d}.all(in.cells)
	for n := range in.table {
		r := &in.table[n]
		r.EMA = []float32{0.3, 0, -0.3, 1, -1, 0.75}[(n+s.d)%6]
		if r.EMA <= 0 { // what lies there was never written
			copy(before[int(r.Cell)*s.d:], filler(s.d))
		}
	}
	x, embeds := t.input("x", values, s.n, s.d), t.inout("embeds", before, in.cells, s.d)
	rows, _ := t.rows(in.table, false)
	want := in.scattered(before, Scatter(before, values, in.table, s.d), s.d)
	t.check(func(r *shaders.Recorder) { r.Scatter(embeds.Tensor, x.Tensor, rows) },
		func(v *verdict) { v.tensor(embeds, zeroPadding, want) })
}
