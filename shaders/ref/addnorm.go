package ref

import (
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

func addnormCases() []Case {
	c := Case{Op: "addnorm", Limit: normLimit, Why: normWhy}
	pair := c
	pair.Name = "pair "
	return append(each(c, normSizes(1), addnormTrial), each(pair, slices.Concat(normSizes(2), int8Norms(3)), addnormPairTrial)...)
}

func addnormTrial(t *trial, s normSize) {
	a, x := t.drawn("a", s.family, s.n, s.d), t.inout("x", t.values("x", s.family, s.n, s.d), s.d)
	w, weight := t.normWeight("weight", s.d)
	t.check(func(r *shaders.Recorder) { r.AddNorm(x.Tensor, a.Tensor, w, normEps) }, becomes(x, plain.AddNorm(a.x, x.x, weight, normEps)))
}

func addnormPairTrial(t *trial, s normSize) {
	a, x := t.drawn("a", s.family, s.n, s.d), t.inout("x", t.values("x", s.family, s.n, s.d), s.d)
	w, weight := t.normWeight("weight", s.d)
	w2, next := t.normWeight("next", s.d)
	y := t.normed("y", s)
	sum := plain.AddNorm(a.x, x.x, weight, normEps)
	t.check(func(r *shaders.Recorder) { r.AddNormPair(y.Tensor, x.Tensor, a.Tensor, w, w2, normEps) },
		becomes(x, sum), becomes(y, plain.RMSNorm(sum, next, normEps)))
}
