package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// matmulNormCases compare MatMulNorm with MatMul and AddNormPair in turn: matmul's oracle holds those, so the same
// bits are asked for. It is recorded twice, since its counter must be ready for the next use.
func matmulNormCases() []Case {
	var sizes []matmulNormSize
	add := func(s matmulSize, of8 bool) {
		forms := []shaders.Residual{shaders.ResidualNormed, shaders.ResidualInside}
		if s.n > 1 {
			forms[1] = shaders.ResidualPlain
		}
		for _, form := range forms {
			sizes = append(sizes, matmulNormSize{s, form, of8})
		}
	}
	for i, f := range format.Types() {
		for j, n := range []int{1, 3, 5} {
			s := matmulSize{n: n, rows: []int{5, 65, 120}[(i+j)%3], k: []int{24, 328, 5280}[(i+j)%3], format: f, shards: 1 + 2*(j%2)}
			if add(s, false); f.Blocked() {
				add(s, true)
				s.int8 = true
				add(s, false)
				add(s, true)
			}
		}
	}
	return each(Case{Op: "matmulnorm", Why: "the same sums in the same order"}, sizes, matmulNormTrial)
}

// matmulNormSize is a product, of int8 activations or floats, whose rows the residual takes in by a form.
type matmulNormSize struct {
	matmulSize
	form shaders.Residual
	of8  bool
}

func (s matmulNormSize) String() string {
	name := s.matmulSize.String() + formName(s.form)
	if s.of8 {
		return "of " + named(true, name)
	}
	return name
}

func matmulNormTrial(t *trial, s matmulNormSize) {
	x := t.drawn("x", s.family, s.n, s.k)
	if s.of8 {
		t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(s.format, s.n) }
		t.quantize(&x)
	}
	w, _ := t.weights("w", s.matmulSize)
	t.leaveTiles(s.matmulSize) // there nothing is together
	residual := t.values("residual", s.family, s.n, s.rows)
	weight, _ := t.formWeight(s.form, s.rows)
	next, _ := t.normWeight("next", s.rows)
	arrived := t.buffer("arrived", make([]byte, 4), true)
	type outputs struct{ y, residual, z tensor }
	var sets []outputs // apart, and together twice
	for i := range 3 {
		sets = append(sets, outputs{t.output(fmt.Sprint("y ", i), s.n, s.rows), t.inout(fmt.Sprint("residual ", i), residual, s.rows),
			t.normed(fmt.Sprint("z ", i), normSize{n: s.n, d: s.rows, int8: s.int8})})
	}
	t.check(func(r *shaders.Recorder) {
		apart := sets[0]
		r.MatMul(apart.y.Tensor, w, x.Tensor)
		r.AddNormPair(apart.z.Tensor, apart.residual.Tensor, apart.y.Tensor, s.form, weight, next, normEps)
		for _, o := range sets[1:] {
			r.MatMulNorm(o.z.Tensor, o.residual.Tensor, o.y.Tensor, w, x.Tensor, s.form, weight, next, normEps, arrived.data)
		}
	}, func(v *verdict) {
		want := sets[0]
		for _, o := range sets[1:] {
			v.tensor(o.y, want.y.result())
			v.tensor(o.residual, want.residual.result())
			v.tensor(o.z, want.z.result())
		}
		v.zero(arrived)
	})
}

// result is a tensor's values after a run, without the padding.
func (t tensor) result() (y reference) {
	all := floatsOf(t.values())
	for r := range t.Rows {
		y.value = append(y.value, plain.Widen(all[r*t.Stride:][:t.Cols])...)
	}
	return y
}

// zero finds counters that are not ready for the next use.
func (v *verdict) zero(o *operand) {
	for _, b := range o.values() {
		if b != 0 {
			v.fail("a counter of %s is not 0 again", o.name)
			return
		}
	}
}
