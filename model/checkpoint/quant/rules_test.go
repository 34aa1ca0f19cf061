package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"muninn/shaders/format"
)

// rule is a way to store 32 weights: decoded overwrites x with what comes back.
type rule struct {
	name string
	bits float64 // a weight
	code func(x *[format.Block]float32)
}

var rules = []rule{
	{"q4_0, as shipped", 4.5, func(x *[format.Block]float32) {
		var b [q4Bytes]byte
		if err := EncodeQ4(b[:], x[:]); err != nil {
			panic(err)
		}
		format.Q4_0.Decode(x[:], b[:])
	}},
	{"q4_0, best of all scales", 4.5, bestScale},
	{"q4_0, plain rounding", 4.5, func(x *[format.Block]float32) {
		_, d := half(peak(x) / -8)
		atScale(x, d)
	}},
	{"q4_0 symmetric, -7 to 7", 4.5, func(x *[format.Block]float32) {
		_, d := half(abs(peak(x)) / 7)
		atScale(x, d)
	}},
	{"iq4_nl, scale searched", 4.5, bestCodebook},
	{"mxfp4", 4.25, powerOfTwo},
	{"q4_1, range searched", 5, bestRange},
}

func atScale(x *[format.Block]float32, d float32) {
	for i, v := range x {
		x[i] = d * round4(v*inverted(d))
	}
}

// least keeps the trial with the least squared error.
func least(x *[format.Block]float32, trials int, code func(x *[format.Block]float32, trial int)) {
	best, keep := math.Inf(1), *x
	for trial := range trials {
		y, e := *x, 0.0
		code(&y, trial)
		for i := range y {
			d := float64(y[i] - x[i])
			e += d * d
		}
		if e < best {
			best, keep = e, y
		}
	}
	*x = keep
}

func bestScale(x *[format.Block]float32) {
	peak := peak(x)
	least(x, 600, func(x *[format.Block]float32, trial int) {
		_, d := half(peak / float32(4+5*float64(trial%300)/299) * float32(1-2*(trial/300)))
		atScale(x, d)
	})
}

// nonlinear is iq4_nl's code book.
var nonlinear = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func nearest(codes []float32, v float32) (best float32) {
	best = codes[0]
	for _, c := range codes {
		if abs(c-v) < abs(best-v) {
			best = c
		}
	}
	return best
}

func bestCodebook(x *[format.Block]float32) {
	peak := peak(x)
	least(x, 400, func(x *[format.Block]float32, trial int) {
		_, d := half(peak / float32(70+80*float64(trial%200)/199) * float32(1-2*(trial/200)))
		for i, v := range x {
			x[i] = d * nearest(nonlinear[:], v*inverted(d))
		}
	})
}

// powerOfTwo is mxfp4: 4-bit floats times a power of two.
func powerOfTwo(x *[format.Block]float32) {
	codes := []float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.5, -1, -1.5, -2, -3, -4, -6}
	_, exp := math.Frexp(float64(abs(peak(x))))
	least(x, 3, func(x *[format.Block]float32, trial int) {
		d := float32(math.Ldexp(1, exp-4+trial))
		for i, v := range x {
			x[i] = d * nearest(codes, v/d)
		}
	})
}

// bestRange is q4_1: 16 even steps from a lowest value, both in half precision.
func bestRange(x *[format.Block]float32) {
	low, high := x[0], x[0]
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	least(x, 900, func(x *[format.Block]float32, trial int) {
		cut := func(n int) float32 { return float32(n) * 0.012 * (high - low) }
		_, m := half(low + cut(trial%30-2))
		_, d := half((high - cut(trial/30-2) - m) / 15)
		for i, v := range x {
			q := min(max(math.RoundToEven(float64((v-m)*inverted(d))), 0), 15)
			x[i] = float32(q)*d + m
		}
	})
}

// matrices have the weights that the rules are compared on, by rows of 1056: like trained ones, and worse.
var matrices = []struct {
	name string
	draw func(r *rand.Rand, row, col int) float64
}{
	{"normal", func(r *rand.Rand, _, _ int) float64 { return r.NormFloat64() }},
	{"heavy tails (Student, 4)", func(r *rand.Rand, _, _ int) float64 { return student(r) }},
	{"heavy tails, loud columns", func(r *rand.Rand, _, col int) float64 {
		if col%97 == 5 {
			return 8 * student(r)
		}
		return student(r)
	}},
}

func student(r *rand.Rand) float64 {
	s := 0.0
	for range 4 {
		n := r.NormFloat64()
		s += n * n
	}
	return r.NormFloat64() / math.Sqrt(s/4)
}

// errorsOf are the relative errors of the weights W that went through a rule, and of W X: W has 24 rows of 1056, X 64
// normal columns.
func errorsOf(code func(*[format.Block]float32), draw func(r *rand.Rand, row, col int) float64) (weights, products float64) {
	const rows, cols, inputs = 24, 1056, 64
	r := rand.New(rand.NewPCG(11, 5))
	var x [cols][inputs]float64
	for i := range x {
		for j := range x[i] {
			x[i][j] = r.NormFloat64()
		}
	}
	var offW, allW, offY, allY float64
	for row := range rows {
		var exact, off [inputs]float64
		for col := 0; col < cols; col += format.Block {
			var w [format.Block]float32
			for i := range w {
				w[i] = float32(0.02 * draw(r, row, col+i))
			}
			q := w
			code(&q)
			for i := range w {
				d := float64(q[i] - w[i])
				offW += d * d
				allW += float64(w[i] * w[i])
				for j, v := range x[col+i] {
					exact[j] += float64(w[i]) * v
					off[j] += d * v
				}
			}
		}
		for j := range exact {
			offY += off[j] * off[j]
			allY += exact[j] * exact[j]
		}
	}
	return math.Sqrt(offW / allW), math.Sqrt(offY / allY)
}

// The rule that is shipped beats plain rounding, and a search of 600 scales hardly beats it. `go test -v -run Rules
// ./model/quant` prints the figures of the package's comment.
func TestRules(t *testing.T) {
	table := "\n"
	for _, m := range matrices {
		table += fmt.Sprintf("%-28s bits   weights  products\n", m.name)
		weights := map[string]float64{}
		for _, r := range rules {
			w, p := errorsOf(r.code, m.draw)
			weights[r.name] = w
			table += fmt.Sprintf("  %-26s %.2f   %.4f   %.4f\n", r.name, r.bits, w, p)
		}
		shipped := weights["q4_0, as shipped"]
		if plain := weights["q4_0, plain rounding"]; shipped > 0.99*plain {
			t.Errorf("%s: error %.4f, plain rounding has %.4f", m.name, shipped, plain)
		}
		if best := weights["q4_0, best of all scales"]; shipped > 1.005*best {
			t.Errorf("%s: error %.4f, the best scales give %.4f", m.name, shipped, best)
		}
	}
	t.Log(table)
}
