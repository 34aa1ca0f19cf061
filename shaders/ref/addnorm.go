package ref

import (
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
	"muninn/vk"
)

// formSize is a case of the norms after a residual of a form.
type formSize struct {
	normSize
	form shaders.Residual
}

func (s formSize) String() string { return s.normSize.String() + formName(s.form) }

// formName is what a form adds to a case's name.
func formName(f shaders.Residual) string { return [...]string{"", " inside", " plain"}[f] }

// formSizes are the sizes with each form.
func formSizes(sizes []normSize) (list []formSize) {
	for _, form := range []shaders.Residual{shaders.ResidualNormed, shaders.ResidualInside, shaders.ResidualPlain} {
		for _, s := range sizes {
			list = append(list, formSize{s, form})
		}
	}
	return list
}

// residual is x with a taken in.
func residual(form shaders.Residual, a, x, weight []float32) []float64 {
	switch form {
	case shaders.ResidualInside:
		return plain.AddInside(a, x, weight, normEps)
	case shaders.ResidualPlain:
		return plain.Add(a, x)
	}
	return plain.AddNorm(a, x, weight, normEps)
}

// formWeight is the weight of a form's norm; of a form without one none.
func (t *trial) formWeight(form shaders.Residual, d int) (vk.Span, []float32) {
	if form == shaders.ResidualPlain {
		return vk.Span{}, nil
	}
	return t.normWeight("weight", d)
}

func addnormCases() []Case {
	c := Case{Op: "addnorm", Limit: normLimit, Why: normWhy}
	pair := c
	pair.Name = "pair "
	return append(each(c, formSizes(normSizes(1)), addnormTrial), each(pair, formSizes(slices.Concat(normSizes(2), int8Norms(3))), addnormPairTrial)...)
}

func addnormTrial(t *trial, s formSize) {
	a, x := t.drawn("a", s.family, s.n, s.d), t.inout("x", t.values("x", s.family, s.n, s.d), s.d)
	w, weight := t.formWeight(s.form, s.d)
	t.check(func(r *shaders.Recorder) { r.AddNorm(x.Tensor, a.Tensor, s.form, w, normEps) }, becomes(x, residual(s.form, a.x, x.x, weight)))
}

func addnormPairTrial(t *trial, s formSize) {
	a, x := t.drawn("a", s.family, s.n, s.d), t.inout("x", t.values("x", s.family, s.n, s.d), s.d)
	w, weight := t.formWeight(s.form, s.d)
	w2, next := t.normWeight("next", s.d)
	y := t.normed("y", s.normSize)
	sum := residual(s.form, a.x, x.x, weight)
	t.check(func(r *shaders.Recorder) { r.AddNormPair(y.Tensor, x.Tensor, a.Tensor, s.form, w, w2, normEps) },
		becomes(x, sum), becomes(y, plain.RMSNorm(sum, next, normEps)))
}
