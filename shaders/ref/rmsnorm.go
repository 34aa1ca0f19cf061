package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

const (
	normEps = 1e-6
	normWhy = "a float32 sum of squares and an inversesqrt of 2 ulp: about 1e-14"
)

// normSize is a case of the norms: n rows of d.
type normSize struct {
	n, d   int
	family family
}

func (s normSize) String() string { return fmt.Sprintf("n=%d d=%d %s", s.n, s.d, s.family) }

// normSizes are lengths around the workgroups (4, 8, 64, 128) and the models'.
func normSizes(salt int) []normSize {
	var list []normSize
	for i, d := range []int{1, 2, 3, 8, 9, 63, 64, 65, 127, 128, 129, 328, 5280} {
		list = append(list, normSize{1 + (i+salt)%4*2, d, family((i + salt) % families)})
	}
	for f := range family(families) {
		list = append(list, normSize{17, 72, f})
	}
	return list
}

func normCases(op string, salt int, run func(*trial, normSize)) []Case {
	var list []Case
	for _, s := range normSizes(salt) {
		list = append(list, Case{Op: op, Name: s.String(), Limit: 1e-10, Why: normWhy, run: func(t *trial) { run(t, s) }})
	}
	return list
}

// normWeights are weights around 1, as norms have.
func normWeights(name string, d int) []float32 {
	w := source{seed("norm weight", name), uniform, format.F32, d}.all(1)
	for i := range w {
		w[i] += 1
	}
	return w
}

func rmsnormCases() []Case {
	return append(normCases("rmsnorm", 0, rmsnormTrial), int8Norms("rmsnorm", "", 1, rmsnormTrial)...)
}

func rmsnormTrial(t *trial, s normSize) {
	values := source{seed("rmsnorm", s.String()), s.family, format.F32, s.d}.all(s.n)
	weight := normWeights(s.String(), s.d)
	x, w := t.input("x", values, s.n, s.d), t.floats("weight", weight)
	y := t.unwritten("y", s.n, s.d)
	compare := func(*verdict) {}
	if t.needs != nil {
		bits := t.room(&y)
		compare = func(v *verdict) { v.int8s(y, bits) }
	}
	want := plain.RMSNorm(values, weight, normEps)
	t.check(func(r *shaders.Recorder) { r.RMSNorm(y.Tensor, x.Tensor, w, normEps) },
		func(v *verdict) {
			v.tensor(y, untouchedPadding, want)
			compare(v)
		})
}
