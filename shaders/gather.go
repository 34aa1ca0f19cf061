package shaders

import "muninn/vk"

// Gather records y[n] = x[cell of row n]. x (cells, d); y (n, d).
func (r *Recorder) Gather(y, x Tensor, rows Rows) { r.gather("gather", y, rows, x) }

// GatherFirst records the same for rows that have no core step behind them; the others of y stay.
func (r *Recorder) GatherFirst(y, x Tensor, rows Rows) { r.gather("gather_first", y, rows, x) }

// GatherSum records y[n] = a[cell of row n] + b[cell of row n]. a, b (cells, d); y (n, d).
func (r *Recorder) GatherSum(y, a, b Tensor, rows Rows) {
	r.check(a.Cols == b.Cols, "gather of the sum of rows of %d and %d", a.Cols, b.Cols)
	r.gather("gather_sum", y, rows, a, b.Span)
}

func (r *Recorder) gather(name string, y Tensor, rows Rows, x Tensor, more ...vk.Span) {
	r.check(y.Cols == x.Cols && rows.N == y.Rows, "gather of %d rows of %d from rows of %d", y.Rows, y.Cols, x.Cols)
	r.dispatch(name, struct{ Stride uint32 }{uint32(y.Stride / 4)}, rowsY(groups(y.Stride/4, 64), y.Rows, 1),
		vk.Cost{Bytes: uint64(2+len(more)) * y.bytes()}, append([]vk.Span{x.Span, rows.Span, y.Span}, more...)...)
}
