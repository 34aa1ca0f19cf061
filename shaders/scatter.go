package shaders

import "muninn/vk"

// Scatter records embeds[cell of row n] = (1 - ema) x[n] + ema old, ema being the size of the row's EMA and old its embeds, or
// zero where the EMA is negative. x (n, d); embeds (cells, d).
func (r *Recorder) Scatter(embeds, x Tensor, rows Rows) {
	r.check(embeds.Cols == x.Cols && rows.N == x.Rows, "scatter of %d rows of %d among rows of %d", x.Rows, x.Cols, embeds.Cols)
	r.dispatch("scatter", struct{ Stride uint32 }{uint32(x.Stride / 4)}, rowsY(groups(x.Stride/4, 64), x.Rows, 1),
		vk.Cost{Bytes: 3 * x.bytes()}, x.Span, rows.Span, embeds.Span)
}
