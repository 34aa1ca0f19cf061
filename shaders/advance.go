package shaders

import "muninn/vk"

// Advance records the end of a core step: state = rms(a + x) * weight, the last core block's norm after its residual,
// and every row has done one more step. a, x, state (n, d); weight (d) float32.
func (r *Recorder) Advance(state, x, a Tensor, weight vk.Span, eps float32, rows Rows) {
	if !r.check(x.Cols == a.Cols && x.Rows == a.Rows && state.Cols == x.Cols && state.Rows == x.Rows && rows.N == x.Rows,
		"advance of %dx%d and %dx%d into %dx%d, %d rows", a.Rows, a.Cols, x.Rows, x.Cols, state.Rows, state.Cols, rows.N) {
		return
	}
	r.dispatch("advance"+r.k.suffix(), normPush{uint32(x.Cols), uint32(x.Stride), eps}, [3]uint32{uint32(x.Rows), 1, 1},
		vk.Cost{Bytes: 5 * x.bytes(), FLOPs: 6 * x.bytes() / 4}, a.Span, x.Span, weight, state.Span, rows.Span)
}
