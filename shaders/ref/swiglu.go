package ref

import (
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// swiglu is y[n][j] = silu(g) u, where g and u are row n of x times rows rows[j] of gate and up (.., k). Its sizes are what those of
// the two sums make of the product; silu is no steeper than 1.1.
func swiglu(gate, up rowFunc, x []float32, k int, rows []int) (y reference) {
	g, u := matmul(gate, x, k, rows), matmul(up, x, k, rows)
	for i, v := range g.value {
		y.value = append(y.value, plain.SwiGLU(v, u.value[i]))
		y.size = append(y.size, math.Hypot(1.1*g.size[i]*u.value[i], plain.SiLU(v)*u.size[i]))
	}
	return y
}

func swigluCases() []Case {
	c, int8 := Case{Op: "swiglu", Limit: matmulLimit, Why: matmulWhy}, Case{Op: "swiglu", Limit: matmulLimit, Why: int8Why}
	large := []matmulSize{{n: 1, rows: 17920, k: 5280, format: format.BF16}}
	return slices.Concat(each(c, matmulSizes(2), swigluTrial), each(c.large(), large, swigluTrial), each(int8, int8Sizes(7, false), swigluTrial),
		each(int8, int8Sizes(4, true), swigluTrial))
}

func swigluTrial(t *trial, s matmulSize) {
	x, y := t.factor(s), t.written("y", s.n, s.rows, s.writes)
	gate, gates := t.weights("gate", s)
	up, ups := t.weights("up", s)
	rows := t.sample(s.rows)
	t.leaveTiles(s)
	t.check(func(r *shaders.Recorder) { r.SwiGLU(y.Tensor, gate, up, x.Tensor) }, t.products(y, rows, x.x, s.k, func(x []float32, as func(rowFunc) rowFunc) reference {
		return swiglu(as(gates), as(ups), x, s.k, rows)
	}))
}
