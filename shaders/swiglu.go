package shaders

import "muninn/vk"

// SwiGLU records y[n][i] = silu(gate[i] x[n]) * (up[i] x[n]): the gated half of the MLP.
// gate, up (m, cols), cut in the same shards; x (n, cols), y (n, m). If x has int8 activations, and gate and up are in
// blocks, those are what is multiplied, and if y has room for them, its own are written too.
func (r *Recorder) SwiGLU(y Tensor, gate, up Matrix, x Tensor) {
	if !r.check(gate.Rows == up.Rows && gate.Cols == up.Cols && gate.Format == up.Format && len(gate.Shards) == len(up.Shards) &&
		gate.Cols == x.Cols && gate.Rows == y.Cols && x.Rows == y.Rows,
		"swiglu of %dx%d and %dx%d by %dx%d into %dx%d", gate.Rows, gate.Cols, up.Rows, up.Cols, x.Rows, x.Cols, y.Rows, y.Cols) {
		return
	}
	x = r.factor(gate, x)
	op, bind := "swiglu", []vk.Span{x.factor(), y.Span}
	if !y.Int8.IsZero() {
		r.check(!x.Int8.IsZero() && r.k.CanWriteInt8(), "swiglu of floats into int8 activations")
		op, bind = "swiglu_quantize", append(bind, y.Int8)
	}
	for i, g := range gate.Shards {
		p := matmulPush{YStride: uint32(y.Stride), D: uint32(y.Cols), Lower1: up.Shards[i].lower()}
		c := matmulCost(gate, g.Rows, x, y)
		c.Bytes += uint64(g.Rows) * up.rowCost()
		c.FLOPs *= 2
		r.matmul(op, gate, g, 2, x, p, c, append([]vk.Span{g.Bind, up.Shards[i].Bind}, bind...)...)
	}
}
