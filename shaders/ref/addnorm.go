package ref

import (
	"muninn/shaders"
	"muninn/shaders/format"
)

// AddNorm is rms(a + x) weight. a, x (n, d), weight (d).
func AddNorm(a, x []float32, weight []float32, eps float32) []float64 {
	sum := make([]float64, len(x))
	for i := range sum {
		sum[i] = float64(a[i]) + float64(x[i])
	}
	return RMSNorm(sum, weight, eps)
}

// AddNormPair is x = rms(a + x) weight, and y = rms(x) next of it.
func AddNormPair(a, x []float32, weight, next []float32, eps float32) (sum, y []float64) {
	sum = AddNorm(a, x, weight, eps)
	return sum, RMSNorm(sum, next, eps)
}

func addnormCases() []Case {
	single := normCases("addnorm", 1, func(t *trial, s normSize) {
		av, xv := addends("addnorm", s)
		weight := normWeights(s.String(), s.d)
		a, x, w := t.input("a", av, s.n, s.d), t.inout("x", xv, s.n, s.d), t.floats("weight", weight)
		want := AddNorm(av, xv, weight, normEps)
		t.check(func(r *shaders.Recorder) { r.AddNorm(x.Tensor, a.Tensor, w, normEps) },
			func(v *verdict) { v.tensor(x, untouchedPadding, want) })
	})
	pair := normCases("addnorm", 2, addnormPairTrial)
	for i := range pair {
		pair[i].Name = "pair " + pair[i].Name
	}
	return append(append(single, pair...), int8Norms("addnorm", "pair ", 3, addnormPairTrial)...)
}

func addnormPairTrial(t *trial, s normSize) {
	av, xv := addends("addnorm pair", s)
	weight, next := normWeights(s.String(), s.d), normWeights("next "+s.String(), s.d)
	a, x := t.input("a", av, s.n, s.d), t.inout("x", xv, s.n, s.d)
	w, w2 := t.floats("weight", weight), t.floats("next", next)
	y := t.unwritten("y", s.n, s.d)
	compare := func(*verdict) {}
	if t.needs != nil {
		bits := t.room(&y)
		compare = func(v *verdict) { v.inBits(y, bits) }
	}
	sum, want := AddNormPair(av, xv, weight, next, normEps)
	t.check(func(r *shaders.Recorder) { r.AddNormPair(y.Tensor, x.Tensor, a.Tensor, w, w2, normEps) },
		func(v *verdict) {
			v.tensor(x, untouchedPadding, sum)
			v.tensor(y, untouchedPadding, want)
			compare(v)
		})
}

func addends(name string, s normSize) (a, x []float32) {
	return source{seed(name, "a", s.String()), s.family, format.F32, s.d}.all(s.n),
		source{seed(name, "x", s.String()), s.family, format.F32, s.d}.all(s.n)
}
