package ref

import (
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
	"muninn/vk"
)

const (
	normEps   = 1e-6
	normLimit = 1e-10
	normWhy   = "a float32 sum of squares and an inversesqrt of 2 ulp: about 1e-14"
)

// normSize is a case of the norms: n rows of d.
type normSize struct {
	n, d   int
	family family
	int8   bool // int8 activations are written as well
}

func (s normSize) String() string {
	return named(s.int8, fmt.Sprintf("n=%d d=%d %s", s.n, s.d, s.family))
}

// normSizes are lengths around the workgroups (4, 8, 64, 128, up to 1024 times a vec4) and the models'. Of several subgroups, lanes keep
// 1 to 3 vec4 of a row in registers, and none of the last.
func normSizes(salt int) []normSize {
	var list []normSize
	for i, d := range []int{1, 2, 3, 8, 9, 63, 64, 65, 127, 128, 129, 328, 5280, 4, 60, 1056, 8968, 12292} {
		list = append(list, normSize{n: 1 + (i+salt)%4*2, d: d, family: family((i + salt) % families)})
	}
	for f := range family(families) {
		list = append(list, normSize{n: 17, d: 72, family: f})
	}
	return list
}

func int8Norms(salt int) []normSize {
	list := normSizes(salt)
	for i := range list {
		list[i].int8 = true
	}
	return list
}

// normWeight are weights around 1, as norms have.
func (t *trial) normWeight(name string, d int) (vk.Span, []float32) {
	w := t.values(name, uniform, 1, d)
	for i := range w {
		w[i] += 1
	}
	return t.floats(name, w), w
}

func rmsnormCases() []Case {
	c := Case{Op: "rmsnorm", Limit: normLimit, Why: normWhy}
	at := c
	at.Name = "at "
	return append(each(c, slices.Concat(normSizes(0), int8Norms(1)), rmsnormTrial), each(at, normSizes(2), rmsnormAtTrial)...)
}

// rmsnormAtTrial norms columns with others before and behind them: from a whole vec4 on, from elsewhere, or all.
func rmsnormAtTrial(t *trial, s normSize) {
	at, behind := []int{0, 4, 6, 68}[(s.n+s.d)%4], s.d%3*5
	cols := at + s.d + behind
	all, part := t.values("beside", uniform, s.n, cols), t.values("x", s.family, s.n, s.d)
	w, weight := t.normWeight("weight", s.d)
	normed := plain.RMSNorm(part, weight, normEps)
	for n := range s.n {
		copy(all[n*cols+at:], part[n*s.d:][:s.d])
	}
	want := plain.Widen(all)
	for n := range s.n {
		copy(want[n*cols+at:], normed[n*s.d:][:s.d])
	}
	x := t.inout("x", all, cols)
	t.check(func(r *shaders.Recorder) { r.RMSNormAt(x.Tensor, at, s.d, w, normEps) }, becomes(x, want))
}

func rmsnormTrial(t *trial, s normSize) {
	x, y := t.drawn("x", s.family, s.n, s.d), t.normed("y", s)
	w, weight := t.normWeight("weight", s.d)
	t.check(func(r *shaders.Recorder) { r.RMSNorm(y.Tensor, x.Tensor, w, normEps) }, becomes(y, plain.RMSNorm(x.x, weight, normEps)))
}
