package ref

import (
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

func addnormCases() []Case {
	single := normCases("addnorm", 1, func(t *trial, s normSize) {
		av, xv := addends("addnorm", s)
		weight := normWeights(s.String(), s.d)
		a, x, w := t.input("a", av, s.n, s.d), t.inout("x", xv, s.n, s.d), t.floats("weight", weight)
		want := plain.AddNorm(av, xv, weight, normEps)
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
		compare = func(v *verdict) { v.int8s(y, bits) }
	}
	sum := plain.AddNorm(av, xv, weight, normEps)
	want := plain.RMSNorm(sum, next, normEps)
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
