package shaders

import "muninn/vk"

// Mark says what a row's write tells of its cell's depth.
type Mark uint32

// MarkBegin is for the first layer of a pass (no core step stored yet), MarkStep for the first core layer of a step.
const (
	NoMark Mark = iota
	MarkBegin
	MarkStep
)

// QKVRope records the way from Wqkv's output to attention's input: adds the bias to q and k, rotates both by the row's
// position, writes q, and puts k and v into the row's cell of the cache, in the slot of its step.
// q (n, QueryCols(H, headDim)) with a multiple H of the cache's K heads; qkv (n, (H+2K) headDim or more): q, k, v, and what
// is left alone; bias ((H+K) headDim) float32 or a zero Span; rope (positions, headDim/2, 2) float32 cos and sin. Halves: element i
// of a head is turned with i + headDim/2 by angle i; else neighbours 2i, 2i+1.
func (r *Recorder) QKVRope(q Tensor, c Cache, qkv Tensor, bias, rope vk.Span, halves bool, rows Rows, mark Mark) {
	group := c.group(q)
	r.check(group > 0 && qkv.Cols >= (group+2)*c.Heads*c.HeadDim && c.HeadDim%2 == 0 && q.Rows == qkv.Rows && rows.N == q.Rows,
		"qkvrope of %dx%d into %dx%d for %d rows, %d heads of %d", qkv.Rows, qkv.Cols, q.Rows, q.Cols, rows.N, c.Heads, c.HeadDim)
	hasBias := uint32(1)
	if bias.IsZero() {
		hasBias, bias = 0, rope // bound, never read
	}
	for i, s := range c.Shards {
		if i > 0 {
			mark = NoMark
		}
		units := c.Type.units(c.HeadDim)
		push := struct {
			Heads, Head0, HeadsAll, Group, H, HV, HU, Scales, Stride, Pages, Table, Depths, Every, Anchor, Period, Mark, Bias, QStride, Halves uint32
		}{uint32(s.Heads), uint32(s.Head0), uint32(c.Heads), uint32(group), uint32(c.HeadDim), uint32(headStride(c.HeadDim) / 4), uint32(units),
			c.scaleWords(s), uint32(qkv.Stride), uint32(c.Pages.PerSequence), uint32(c.table), uint32(c.Pages.depths()), uint32(max(c.Slots.Every, 1)), uint32(c.Slots.Anchor), uint32(c.Slots.Period),
			uint32(mark), hasBias, uint32(q.Stride / 2), flag(halves)}
		pairs := s.Heads * units * c.Type.perUnit() / 2
		r.dispatch("qkvrope_"+c.Type.String(), push, rowsY(groups(pairs, 64), qkv.Rows, 1).kept(),
			vk.Cost{Bytes: 2 * qkv.bytes()}, qkv.Span, bias, rope, rows.Span, q.Span, s.K, s.V, c.Pages.Span)
	}
}
