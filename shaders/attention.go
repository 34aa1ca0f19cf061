package shaders

import (
	"math"

	"muninn/vk"
)

// MaxHeadDim is the largest head size that attention.comp serves: a float vector of output an invocation.
const MaxHeadDim = 256

// Attention records y = softmax(q k^T / sqrt(headDim)) v for each row and head, over positions 0 to the row's own in
// its sequence; the cache's rule says which slot of a position is read. q (n, c.QueryCols()), y (n, heads*headDim).
// context is an upper bound on the positions read, for the cost estimate.
func (r *Recorder) Attention(y, q Tensor, c Cache, rows Rows, context int) {
	if !r.check(q.Cols == c.QueryCols() && y.Cols == c.Heads*c.HeadDim && q.Rows == y.Rows && rows.N == y.Rows && c.HeadDim <= MaxHeadDim,
		"attention of %dx%d into %dx%d for %d rows, %d heads of %d", q.Rows, q.Cols, y.Rows, y.Cols, rows.N, c.Heads, c.HeadDim) {
		return
	}
	for _, s := range c.Shards {
		push := struct {
			Heads, Head0, HeadsAll, H, HS, Stride, Cells, Every, Anchor, Period, Rule uint32
			Scale                                                                     float32
			QStride                                                                   uint32
		}{uint32(s.Heads), uint32(s.Head0), uint32(c.Heads), uint32(c.HeadDim), uint32(headStride(c.HeadDim)), uint32(y.Stride),
			uint32(c.Cells), uint32(max(c.Slots.Every, 1)), uint32(c.Slots.Anchor), uint32(c.Slots.Period), uint32(c.Slots.Rule), float32(1 / math.Sqrt(float64(c.HeadDim))), uint32(q.Stride / 4)}
		work := uint64(y.Rows) * uint64(context) * uint64(s.Heads*c.HeadDim)
		r.dispatch("attention", push, [3]uint32{uint32(s.Heads), uint32(y.Rows), 1}, vk.Cost{Bytes: 8 * work, FLOPs: 4 * work},
			q.Span, s.K, s.V, c.Depth, rows.Span, y.Span)
	}
}
