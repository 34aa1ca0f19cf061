package shaders

import "muninn/vk"

// Place records embeds[slot of row n] = (1 - ema) x[n] + ema old, ema being the size of the row's EMA and old its embeds, or
// zero where the EMA is negative. x (n, d); embeds (slots, d).
func (r *Recorder) Place(embeds, x Tensor, rows Rows) {
	if !r.check(embeds.Cols == x.Cols && rows.N == x.Rows, "place of %d rows of %d among rows of %d", x.Rows, x.Cols, embeds.Cols) {
		return
	}
	r.dispatch("place", struct{ Stride uint32 }{uint32(x.Stride / 4)}, rowsY(groups(x.Stride/4, 64), x.Rows, 1),
		vk.Cost{Bytes: 3 * x.bytes()}, x.Span, rows.Span, embeds.Span)
}
