package shaders

import "muninn/vk"

type normPush struct {
	D, Stride uint32
	Eps       float32
}

// RMSNorm records y = x * rsqrt(mean(x^2) + eps) * weight, row by row. x, y (n, d); weight (d) float32. If y has room
// for them, its int8 activations are written too.
func (r *Recorder) RMSNorm(y, x Tensor, weight vk.Span, eps float32) {
	r.check(x.Cols == y.Cols && x.Rows == y.Rows, "rmsnorm of %dx%d into %dx%d", x.Rows, x.Cols, y.Rows, y.Cols)
	name, bind := r.withInt8("rmsnorm", y, x.Span, weight, y.Span)
	r.norm(name, x.Cols, nil, normPush{uint32(x.Cols), uint32(x.Stride), eps}, rowsX(x.Rows),
		vk.Cost{Bytes: 3 * x.bytes(), FLOPs: 4 * x.bytes() / 4}, bind...)
}

// RMSNormAt records what RMSNorm does, in place on columns at to at+cols of each row of x. x (n, d); weight (cols) float32.
func (r *Recorder) RMSNormAt(x Tensor, at, cols int, weight vk.Span, eps float32) {
	r.check(at >= 0 && cols > 0 && at+cols <= x.Cols, "rmsnorm of columns %d to %d of %d", at, at+cols, x.Cols)
	push := struct {
		D, Stride uint32
		Eps       float32
		At        uint32
	}{uint32(cols), uint32(x.Stride), eps, uint32(at)}
	bytes := x.bytes() * uint64(cols) / uint64(max(x.Cols, 1))
	r.norm("rmsnorm_at", cols|at, nil, push, rowsX(x.Rows), vk.Cost{Bytes: 3 * bytes, FLOPs: bytes}, x.Span, weight)
}

// norm dispatches a kernel that sums over rows of cols; where those begin elsewhere than at a vec4, cols has the bits of where. form are
// constants of its kernel for several subgroups.
func (r *Recorder) norm(name string, cols int, form []uint32, push any, g grid, cost vk.Cost, bind ...vk.Span) {
	name, spec := r.k.norm(name, cols, form)
	r.dispatchSpec(name, spec, push, g, cost, bind...)
}
