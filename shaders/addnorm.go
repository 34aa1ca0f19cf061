package shaders

import "muninn/vk"

// AddNorm records x = rms(a + x) * weight in place: the norm after a residual. a, x (n, d); weight (d) float32.
func (r *Recorder) AddNorm(x, a Tensor, weight vk.Span, eps float32) {
	r.check(x.Cols == a.Cols && x.Rows == a.Rows, "addnorm of %dx%d and %dx%d", a.Rows, a.Cols, x.Rows, x.Cols)
	r.norm("addnorm", x.Cols, normPush{uint32(x.Cols), uint32(x.Stride), eps}, rowsX(x.Rows),
		vk.Cost{Bytes: 5 * x.bytes(), FLOPs: 6 * x.bytes() / 4}, a.Span, x.Span, weight)
}

// AddNormPair records x = rms(a + x) * weight in place and y = rms(x) * next: the norm after a residual and the
// one before the next matmul. a, x, y (n, d); weight, next (d) float32. If y has room for them, its int8 activations
// are written too.
func (r *Recorder) AddNormPair(y, x, a Tensor, weight, next vk.Span, eps float32) {
	r.checkNorm(y, x, a)
	name, bind := r.withInt8("addnorm_pair", y, a.Span, x.Span, weight, next, y.Span)
	r.norm(name, x.Cols, normPush{uint32(x.Cols), uint32(x.Stride), eps}, rowsX(x.Rows),
		vk.Cost{Bytes: 7 * x.bytes(), FLOPs: 10 * x.bytes() / 4}, bind...)
}

func (r *Recorder) checkNorm(y, x, a Tensor) {
	r.check(x.Cols == a.Cols && x.Rows == a.Rows && y.Cols == x.Cols && y.Rows == x.Rows,
		"addnorm of %dx%d and %dx%d into %dx%d", a.Rows, a.Cols, x.Rows, x.Cols, y.Rows, y.Cols)
}
