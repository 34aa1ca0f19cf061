package shaders

import (
	"math"
	"strings"

	"muninn/vk"
)

// MaxHeadDim is the largest head size that attention.comp serves: a float vector of output an invocation.
const MaxHeadDim = 256

const (
	// attentionSegment is how many positions a softmax runs over before its result is joined with that of the positions
	// before. Where the segments end depends on the position alone, so a row's result does not depend on its company.
	attentionSegment = 512
	attentionTile    = 4 // rows that share a pass over the cache
	attentionSplit   = 4 // rows up to which a long cache is cut: more keep a device busy as they are
)

// AttentionScratch is what Attention needs beside its operands: results of segments, and counters that are zero between
// uses. Nothing else may use it at the same time.
type AttentionScratch struct{ Parts, Arrived vk.Span }

// Gate is what attention's output is multiplied by: the sigmoid of QKV[n][At + i] for element i of row n. Zero means none.
type Gate struct {
	QKV Tensor
	At  int
}

// AttentionScratchBytes is the size of the two spans of an AttentionScratch, for so many query heads and positions a sequence.
func AttentionScratchBytes(heads, headDim, context int) (parts, arrived uint64) {
	n := uint64(attentionSplit * heads)
	return n * uint64(segments(context)) * uint64(headStride(headDim)/4+1) * 16, n * 4
}

func segments(context int) int { return (context + attentionSegment - 1) / attentionSegment }

// Attention records y = softmax(q k^T / sqrt(headDim)) v for each row and query head, over the positions of its sequence that
// the row sees; the cache's rule says which slot of a position is read. q (n, QueryCols(H, headDim)) with a multiple H of the
// cache's K heads, of which query head i reads i / (H/K); y (n, H headDim). context is an upper bound on the positions read.
// If y has room for them, its int8 activations are written too: of heads of whole blocks.
func (r *Recorder) Attention(y, q Tensor, c Cache, gate Gate, rows Rows, context int, scratch AttentionScratch) {
	group := c.group(q)
	heads := group * c.Heads
	r.check(heads > 0 && y.Cols == heads*c.HeadDim && q.Rows == y.Rows && rows.N == y.Rows && c.HeadDim <= MaxHeadDim,
		"attention of %dx%d into %dx%d for %d rows, %d heads of %d", q.Rows, q.Cols, y.Rows, y.Cols, rows.N, c.Heads, c.HeadDim)
	if gate.QKV.Span.IsZero() {
		gate = Gate{QKV: Tensor{Span: q.Span}} // bound, never read
	} else {
		r.check(gate.QKV.Rows == y.Rows && gate.At+y.Cols <= gate.QKV.Cols, "attention of %dx%d with gates from column %d of %dx%d",
			y.Rows, y.Cols, gate.At, gate.QKV.Rows, gate.QKV.Cols)
	}
	op, int8 := "attention", []vk.Span(nil)
	if !y.Int8.IsZero() {
		r.check(r.k.CanWriteInt8() && WholeBlocks(c.HeadDim), "attention with heads of %d into int8 activations", c.HeadDim)
		op, int8 = "attention_quantize", []vk.Span{y.Int8}
	}
	parts, arrived := AttentionScratchBytes(heads, c.HeadDim, context)
	r.check(scratch.Parts.Size() >= parts && scratch.Arrived.Size() >= arrived, "attention over %d positions with a scratch of %d and %d bytes, want %d and %d",
		context, scratch.Parts.Size(), scratch.Arrived.Size(), parts, arrived)
	n := y.Rows
	split := 0
	if n <= attentionSplit && segments(context) > 1 && r.k.Arrivals {
		split = segments(context)
	}
	for _, s := range c.Shards {
		push := struct {
			N, Heads, Group, Head0, HeadsAll, H, HV, HU, Scales, Stride, Pages, Table, Depths, Every, Anchor, Period, Rule uint32
			Scale                                                                                                          float32
			QStride, Segment, Split, GateStride, GateAt                                                                    uint32
		}{uint32(n), uint32(s.Heads), uint32(group), uint32(s.Head0 * group), uint32(heads), uint32(c.HeadDim), uint32(headStride(c.HeadDim) / 4),
			uint32(c.Type.units(c.HeadDim)), c.scaleWords(s), uint32(y.Stride), uint32(c.Pages.PerSequence), uint32(c.table), uint32(c.Pages.depths()), uint32(max(c.Slots.Every, 1)),
			uint32(c.Slots.Anchor), uint32(c.Slots.Period), uint32(c.Slots.Rule), float32(1 / math.Sqrt(float64(c.HeadDim))),
			uint32(q.Stride / 4), attentionSegment, uint32(split), uint32(gate.QKV.Stride), uint32(gate.At)}
		queries := s.Heads * group
		positions := uint64(context) * uint64(queries)
		cost := vk.Cost{Bytes: 2 * uint64(n) * positions * c.Type.HeadBytes(c.HeadDim), FLOPs: 4 * uint64(n) * positions * uint64(c.HeadDim)}
		bind := []vk.Span{q.Span, s.K, s.V, c.Pages.Span, rows.Span, y.Span, gate.QKV.Span}
		switch kv := c.Type.String(); {
		case r.k.Texels:
			spec := []uint32{r.k.Subgroup, uint32(headStride(c.HeadDim) / 4), flag(gate.QKV.Stride > 0), uint32(c.Slots.Rule)}
			r.dispatchSpec(strings.Replace(op, "attention", "attention_lane", 1)+"_"+kv+"_sg", spec, push, rowsPart(n, queries, int(r.k.Subgroup)), cost, append(bind, int8...)...)
		case n > attentionSplit && r.k.Tiles:
			cost.Bytes /= attentionTile
			r.dispatch(op+"_"+kv+"_tile", push, rowsY(uint32(queries), n, attentionTile), cost, append(bind, int8...)...)
		default:
			bind = append(bind, scratch.Parts, scratch.Arrived)
			r.dispatch(op+"_"+kv, push, rowsY(uint32(queries), n, 1).deep(max(split, 1)), cost, append(bind, int8...)...)
		}
	}
}
