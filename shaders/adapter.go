package shaders

import "muninn/vk"

// Adapter records y = w concat(state, embeds) + bias. w (d, 2 Padded(d)): the columns of either half are padded on
// their own, first those for the state. state, embeds, y (n, d); bias (d) float32, or a zero Span for none.
func (r *Recorder) Adapter(y Tensor, w Matrix, state, embeds Tensor, bias vk.Span) {
	if !r.check(w.Cols == 2*state.Stride && w.Rows == y.Cols && embeds.Cols == state.Cols && state.Rows == y.Rows && embeds.Rows == y.Rows,
		"adapter of %dx%d over %dx%d and %dx%d into %dx%d", w.Rows, w.Cols, state.Rows, state.Cols, embeds.Rows, embeds.Cols, y.Rows, y.Cols) {
		return
	}
	p := productPush{Units: w.units(), N: uint32(y.Rows), XStride: uint32(state.Stride / 4), YStride: uint32(y.Stride),
		Split: uint32(state.Stride / 4), Bias: 1}
	if bias.IsZero() {
		p.Bias, bias = 0, embeds.Span // bound, never read
	}
	for _, s := range w.Shards {
		p.Rows, p.Row0 = uint32(s.Rows), uint32(s.Row0)
		r.product("adapter", w.Format, 1, p, productCost(w, s.Rows, state, y), s.Span, state.Span, embeds.Span, bias, y.Span)
	}
}
