package shaders

import "muninn/vk"

// Gather records y[n] = x[cell of row n]. x (cells, d); y (n, d).
func (r *Recorder) Gather(y, x Tensor, rows Rows) {
	r.check(y.Cols == x.Cols && rows.N == y.Rows, "gather of %d rows of %d from rows of %d", y.Rows, y.Cols, x.Cols)
	r.dispatch("gather", struct{ Stride uint32 }{uint32(y.Stride / 4)}, rowsY(groups(y.Stride/4, 64), y.Rows, 1),
		vk.Cost{Bytes: 2 * y.bytes()}, x.Span, rows.Span, y.Span)
}
