package shaders

import "muninn/vk"

// Scatter records embeds[cell of row n] = (1 - ema) x[n] + ema old, ema being the size of the row's EMA and old its embeds, or
// zero where the EMA is negative. x (n, d); embeds (cells, d).
func (r *Recorder) Scatter(embeds, x Tensor, rows Rows) {
	r.check(embeds.Cols == x.Cols && rows.N == x.Rows, "scatter of %d rows of %d among rows of %d", x.Rows, x.Cols, embeds.Cols)
	r.dispatch("scatter", struct{ Stride uint32 }{uint32(x.Stride / 4)}, rowsY(groups(x.Stride/4, 64), x.Rows, 1),
		vk.Cost{Bytes: 3 * x.bytes()}, x.Span, rows.Span, embeds.Span)
}

// ScatterVector records y[cell of row n] = v, but for rows that do not begin: those whose EMA is 1, which keep all that they have.
// y (cells, d); v (d) float32.
func (r *Recorder) ScatterVector(y Tensor, v vk.Span, rows Rows) {
	r.check(v.Size() >= 4*uint64(y.Cols), "scatter of a vector of %d bytes among rows of %d", v.Size(), y.Cols)
	bytes := uint64(rows.N) * uint64(y.Cols) * 4
	r.dispatch("scatter_vector", struct{ Stride, D uint32 }{uint32(y.Stride / 4), uint32(y.Cols)}, rowsY(groups(y.Stride/4, 64), rows.N, 1),
		vk.Cost{Bytes: 2 * bytes}, v, rows.Span, y.Span)
}
