package shaders

import "muninn/vk"

type addNormPush struct {
	D, Stride uint32
	Eps       float32
	Form      Residual
}

// AddNorm records what ends a half of a block, in place: x takes in a by the form, with its norm. a, x (n, d); weight (d) float32.
func (r *Recorder) AddNorm(x, a Tensor, form Residual, weight vk.Span, eps float32) {
	r.check(x.Cols == a.Cols && x.Rows == a.Rows, "addnorm of %dx%d and %dx%d", a.Rows, a.Cols, x.Rows, x.Cols)
	r.norm("addnorm", x.Cols, []uint32{uint32(form)}, addNormPush{uint32(x.Cols), uint32(x.Stride), eps, form}, rowsX(x.Rows),
		vk.Cost{Bytes: 5 * x.bytes(), FLOPs: 6 * x.bytes() / 4}, a.Span, x.Span, form.weight(weight, a.Span))
}

// AddNormPair records what AddNorm does, and y = rms(x) * next: the norm before the next matmul. a, x, y (n, d); weight,
// next (d) float32. If y has room for them, its int8 activations are written too.
func (r *Recorder) AddNormPair(y, x, a Tensor, form Residual, weight, next vk.Span, eps float32) {
	r.checkNorm(y, x, a)
	name, bind := r.withInt8("addnorm_pair", y, a.Span, x.Span, form.weight(weight, a.Span), next, y.Span)
	r.norm(name, x.Cols, []uint32{uint32(form)}, addNormPush{uint32(x.Cols), uint32(x.Stride), eps, form}, rowsX(x.Rows),
		vk.Cost{Bytes: 7 * x.bytes(), FLOPs: 10 * x.bytes() / 4}, bind...)
}

func (r *Recorder) checkNorm(y, x, a Tensor) {
	r.check(x.Cols == a.Cols && x.Rows == a.Rows && y.Cols == x.Cols && y.Rows == x.Rows,
		"addnorm of %dx%d and %dx%d into %dx%d", a.Rows, a.Cols, x.Rows, x.Cols, y.Rows, y.Cols)
}
