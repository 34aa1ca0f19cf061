package ref

import (
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// SwiGLU is y[n][j] = silu(g) u, where g and u are row n of x times rows rows[j] of gate and up (.., k).
func SwiGLU(gate, up RowFunc, x []float32, k int, rows []int) []float64 {
	y := MatMul(gate, x, k, rows)
	for i, u := range MatMul(up, x, k, rows) {
		y[i] = plain.SwiGLU(y[i], u)
	}
	return y
}

func swigluCases() []Case {
	sizes := matmulSizes(2)
	sizes = append(sizes, matmulSize{n: 1, rows: 17920, k: 5280, format: format.BF16, large: true})
	var list []Case
	for _, s := range sizes {
		list = append(list, Case{Op: "swiglu", Name: s.String(), Limit: 1e-9, Why: matmulWhy, Large: s.large, run: func(t *trial) { swigluTrial(t, s) }})
	}
	return append(list, int8Cases("swiglu", 7, swigluTrial)...)
}

func swigluTrial(t *trial, s matmulSize) {
	gates := source{seed("swiglu gate", s.String()), s.family, s.format, s.k}
	ups := source{seed("swiglu up", s.String()), s.family, s.format, s.k}
	values := source{seed("swiglu x", s.String()), s.family, format.F32, s.k}.all(s.n)
	x := t.input("x", values, s.n, s.k)
	if t.needs != nil {
		values = t.int8Input(&x, values)
	}
	gate := t.matrix("gate", s.rows, s.k, s.format, s.limit(s.k), gates.row)
	up := t.matrix("up", s.rows, s.k, s.format, s.limit(s.k), ups.row)
	y := t.output("y", s.n, s.rows)
	rows := s.sample()
	want := reference{value: SwiGLU(gates.row, ups.row, values, s.k, rows)}
	// What the sizes of the two sums make of the product; silu is no steeper than 1.1.
	g, u := MatMul(gates.row, values, s.k, rows), MatMul(ups.row, values, s.k, rows)
	gSize, uSize := sizes(gates.row, values, s.k, rows), sizes(ups.row, values, s.k, rows)
	for i := range g {
		want.size = append(want.size, math.Hypot(1.1*gSize[i]*u[i], plain.SiLU(g[i])*uSize[i]))
	}
	t.check(func(r *shaders.Recorder) { r.SwiGLU(y.Tensor, gate, up, x.Tensor) },
		func(v *verdict) { v.sampled(y, rows, want) })
}
