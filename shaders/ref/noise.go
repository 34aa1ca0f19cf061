package ref

import (
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// noise is rms((1 - share) state + share noise) weight of one row's state (d), the noise being normal.
func noise(state []float32, r shaders.Row, mean int, weight []float32, eps float64) []float64 {
	which := r.Draw>>3<<16 | r.Step
	share := plain.NoiseShare(plain.NoiseType(r.Draw&7), float64(r.Noise), int(r.Step), mean, plain.Uniform(key(r), r.Pos, plain.KindNoiseChi, which))
	normal := make([]float64, len(state))
	plain.Normals(normal, key(r), r.Pos, plain.KindNoise, which, 0, 1)
	return plain.RMSNorm(plain.Blend(state, normal, share), weight, eps)
}

func noiseCases() []Case {
	sizes := normSizes(2)
	for i := range sizes {
		sizes[i].n = []int{1, 3, 11, 17}[i%4] // types meet steps, and one row has no noise
	}
	c := Case{Op: "noise", Limit: normLimit, Why: "a polynomial for erfinv good to 1e-7, logarithms of 3 ulp, and a norm"}
	alone := c
	alone.Name, alone.Why = "alone d=", c.Why+"; its moments are those of a normal distribution"
	return append(each(c, sizes, noiseTrial), each(alone, []int{328, 5280}, noiseMoments)...)
}

func noiseTrial(t *trial, s normSize) {
	const mean = 32
	in := t.cellTable(s.n)
	for n := range in.table {
		r := &in.table[n]
		r.Step = []uint32{0, 1, 5, 31, 32, 77, 65535}[(n/5+n+s.d)%7]
		r.Noise = []float32{0.3, 0.02, 1, 72.66, 0}[(n+s.d/2)%5]
		r.Draw = shaders.NoiseDraw(n*3, plain.NoiseType((n*2+s.d)%5))
	}
	state := t.inout("state", t.values("state", s.family, in.cells, s.d), s.d)
	w, weight := t.normWeight("weight", s.d)
	want := plain.Widen(state.x)
	for _, r := range in.table {
		if r.Noise != 0 {
			copy(want[int(r.Cell)*s.d:], noise(state.x[int(r.Cell)*s.d:][:s.d], r, mean, weight, normEps))
		}
	}
	rows, _ := t.rows(in.table, false)
	t.check(func(r *shaders.Recorder) { r.Noise(state.Tensor, w, normEps, mean, rows) }, becomes(state, want))
}

// noiseMoments has noise replace the state: rows that differ in sequence, position, draw or step get noise that has nothing to do with
// the other's, and each has the moments of a normal distribution, of deviation 1 after the norm.
func noiseMoments(t *trial, d int) {
	table := []shaders.Row{{}, {Pos: 1}, {KeyLo: 1}, {KeyHi: 1}, {Step: 1}, {Draw: shaders.NoiseDraw(1, plain.NoiseFixed)}, {Step: 40, Pos: 4095, KeyLo: ^uint32(0)}}
	for n := range table {
		table[n].Noise, table[n].Cell = 1, uint32(len(table)-1-n)
	}
	ones := slices.Repeat([]float32{1}, d)
	before := slices.Repeat([]float32{3}, len(table)*d)
	want := plain.Widen(before)
	for _, r := range table {
		copy(want[int(r.Cell)*d:], noise(before[:d], r, 32, ones, normEps))
	}
	state, w := t.inout("state", before, d), t.floats("weight", ones)
	rows, _ := t.rows(table, false)
	t.check(func(r *shaders.Recorder) { r.Noise(state.Tensor, w, normEps, 32, rows) }, becomes(state, want), func(v *verdict) {
		values, far := floatsOf(state.values()), 4/math.Sqrt(float64(d)) // of a mean, in standard errors
		for i := range table {
			x := values[i*state.Stride:][:d]
			var mean, fourth float64
			for _, s := range x {
				mean += float64(s) / float64(d)
				fourth += math.Pow(float64(s), 4) / float64(d)
			}
			if math.Abs(mean) > far || math.Abs(fourth-3) > far*math.Sqrt(96) {
				v.fail("noise in cell %d has mean %g and fourth moment %g, want 0 and 3", i, mean, fourth)
			}
			for j := range i {
				if c := plain.Dot(x, values[j*state.Stride:][:d]) / float64(d); math.Abs(c) > far {
					v.fail("noise in cells %d and %d correlates by %g", i, j, c)
				}
			}
		}
	})
}
