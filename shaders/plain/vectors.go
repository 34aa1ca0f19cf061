// Package plain has the formulas of the operations in plain Go: in float64, without tiles, workgroups or devices. The kernels'
// oracles and the reference model both call it.
package plain

import "math"

// Float is a number of weights, states or logits.
type Float interface{ float32 | float64 }

// Dot returns the sum of x[i] y[i]; y is at least as long as x.
func Dot[A, B Float](x []A, y []B) float64 {
	y = y[:len(x)]
	var a, b float64 // two sums: the processor need not wait for one to add to the other
	i := 0
	for ; i+1 < len(x); i += 2 {
		a += float64(x[i]) * float64(y[i])
		b += float64(x[i+1]) * float64(y[i+1])
	}
	if i < len(x) {
		a += float64(x[i]) * float64(y[i])
	}
	return a + b
}

// Widen returns x as float64.
func Widen[F Float](x []F) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// RMSNorm returns x / sqrt(mean(x^2) + eps) times weight, row by row. x (n, d), weight (d).
func RMSNorm[F Float](x []F, weight []float32, eps float64) []float64 {
	y, d := make([]float64, len(x)), len(weight)
	for n := 0; n < len(x); n += d {
		row := x[n : n+d]
		scale := 1 / math.Sqrt(Dot(row, row)/float64(d)+eps)
		for i, v := range row {
			y[n+i] = float64(v) * scale * float64(weight[i])
		}
	}
	return y
}

// AddNorm returns rms(a + x) weight. a, x (n, d), weight (d).
func AddNorm[F Float](a, x []F, weight []float32, eps float64) []float64 {
	return RMSNorm(Add(a, x), weight, eps)
}

// AddInside returns x + rms(a) weight. a, x (n, d), weight (d).
func AddInside[F Float](a, x []F, weight []float32, eps float64) []float64 {
	return Add(x, RMSNorm(a, weight, eps))
}

// Add returns a + x.
func Add[A, B Float](a []A, x []B) []float64 {
	sum := make([]float64, len(x))
	for i := range sum {
		sum[i] = float64(a[i]) + float64(x[i])
	}
	return sum
}

// SwiGLU returns silu(gate) up.
func SwiGLU(gate, up float64) float64 { return SiLU(gate) * up }

// SiLU returns g / (1 + e^-g).
func SiLU(g float64) float64 { return g / (1 + math.Exp(-g)) }

// Blend returns (1 - share) x + share y.
func Blend[A, B Float](x []A, y []B, share float64) []float64 {
	sum := make([]float64, len(x))
	for i := range x {
		sum[i] = (1-share)*float64(x[i]) + share*float64(y[i])
	}
	return sum
}
