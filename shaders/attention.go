package shaders

import (
	"math"

	"muninn/vk"
)

// MaxHeadDim is the largest head size that attention.comp serves: a float vector of output an invocation.
const MaxHeadDim = 256

const (
	// attentionSegment is how many positions a softmax runs over before its result is joined with that of the positions
	// before. Where the segments end depends on the position alone, so a row's result does not depend on its company.
	attentionSegment = 512
	attentionTile    = 4   // rows that share a pass over the cache
	attentionSplit   = 4   // rows up to which a long cache is cut: more keep a device busy as they are
	stagedSegment    = 128 // the same of attention_staged.comp, if nobody has measured it
	stagedLoads      = 4   // loads of a lane there that do not wait for each other; twice as many where a workgroup has one query
	coopQueries      = 64  // rows by query heads of a workgroup of attention_coop.comp
	stagedApart      = 64  // rows up to which none share a pass there: they may be of as many sequences
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
	return n * uint64(groups(context, stagedSegment)) * uint64(headStride(headDim)/4+1) * 16, n * 4
}

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
	op, int8 := "", []vk.Span(nil)
	if !y.Int8.IsZero() {
		r.check(r.k.CanWriteInt8() && WholeBlocks(c.HeadDim), "attention with heads of %d into int8 activations", c.HeadDim)
		op, int8 = "_quantize", []vk.Span{y.Int8}
	}
	parts, arrived := AttentionScratchBytes(heads, c.HeadDim, context)
	r.check(scratch.Parts.Size() >= parts && scratch.Arrived.Size() >= arrived, "attention over %d positions with a scratch of %d and %d bytes, want %d and %d",
		context, scratch.Parts.Size(), scratch.Arrived.Size(), parts, arrived)
	n := y.Rows
	form := r.k.attention(n, group, c.Type.units(c.HeadDim)*c.Type.perUnit()/4, c.Type)
	split := 0
	if segments := int(groups(context, form.segment)); n <= attentionSplit && uint64(n*segments) <= attentionSplit*uint64(groups(context, stagedSegment)) && segments > 1 && r.k.Arrivals {
		split = segments
	}
	for _, s := range c.Shards {
		push := struct {
			N, Heads, Group, Head0, HeadsAll, H, HV, HU, Scales, Stride, Pages, Table, Depths, Every, Anchor, Period, Rule uint32
			Scale                                                                                                          float32
			QStride, Segment, Split, GateStride, GateAt, Tiles, Abreast, High                                              uint32
		}{uint32(n), uint32(s.Heads), uint32(group), uint32(s.Head0 * group), uint32(heads), uint32(c.HeadDim), uint32(headStride(c.HeadDim) / 4),
			uint32(c.Type.units(c.HeadDim)), c.scaleWords(s), uint32(y.Stride), uint32(c.Pages.PerSequence), uint32(c.table), uint32(c.Pages.depths()), uint32(max(c.Slots.Every, 1)),
			uint32(c.Slots.Anchor), uint32(c.Slots.Period), uint32(c.Slots.Rule), float32(1 / math.Sqrt(float64(c.HeadDim))),
			uint32(q.Stride / 4), uint32(form.segment), uint32(split), uint32(gate.QKV.Stride), uint32(gate.At), uint32(form.tiles), uint32(form.abreast), uint32(form.high)}
		positions := uint64(context) * uint64(s.Heads*group)
		cost := vk.Cost{Bytes: 2 * uint64(n) * positions * c.Type.HeadBytes(c.HeadDim) / uint64(form.abreast*form.high), FLOPs: 4 * uint64(n) * positions * uint64(c.HeadDim)}
		bind := []vk.Span{q.Span, s.K, s.V, c.Pages.Span, rows.Span, y.Span, gate.QKV.Span}
		if form.scratch {
			bind = append(bind, scratch.Parts, scratch.Arrived)
		}
		grid := rowsY(uint32(s.Heads*form.tiles), n, form.high).deep(max(split, 1))
		spec := []uint32{uint32(c.Type.units(c.HeadDim)), uint32(form.segment), uint32(form.loads)}
		switch {
		case form.suffix == matrices:
			m := r.k.matrix()
			spec = []uint32{r.k.Subgroup * coopQueries / m.M, m.M, m.N, m.K, coopQueries / m.M, spec[0]}
		case form.kind == lanes:
			spec = []uint32{r.k.Subgroup, uint32(headStride(c.HeadDim) / 4), flag(gate.QKV.Stride > 0), uint32(c.Slots.Rule)}
			grid = rowsPart(n, s.Heads*group, int(r.k.Subgroup))
		}
		r.dispatchSpec("attention"+form.kind+op+"_"+c.Type.String()+form.suffix, spec[:form.specs], push, grid, cost, append(bind, int8...)...)
	}
}

// attentionForm is how a device takes queries: rows by query heads.
type attentionForm struct {
	kind, suffix string // of the kernel
	specs        int    // specialization constants
	segment      int    // positions
	loads        int    // of a lane that do not wait for each other
	scratch      bool   // the kernel knows one
	tiles        int    // workgroups for the query heads of a key head
	abreast      int    // query heads that each takes
	high         int    // rows that it takes
}

// lanes and staged are kinds of kernels: a lane has a query, or a workgroup has up to so many, whose keys it brings into shared memory;
// matrices ends the names of those that multiply on matrix units.
const (
	lanes    = "_lane"
	staged   = "_staged"
	matrices = "_coop"
)

// attention picks the form for n rows, and heads of so many float vectors in a cache of type kv, group of which share keys. Which staged one it is, and
// whether rows of the plain kind share a pass, never changes a bit.
func (t Tuning) attention(n, group, vectors int, kv KVType) attentionForm {
	f := attentionForm{scratch: true, segment: attentionSegment, tiles: group, abreast: 1, high: 1}
	fit := 1 // queries, by the lanes and the vectors that a lane has room for
	switch {
	case t.HalfQueries && n > stagedApart && vectors <= 32 && kv != KVF32:
		f.suffix, f.specs, f.scratch, fit = matrices, 6, false, coopQueries
		f.spread(group, fit)
		f.high = fit / f.abreast
		return f
	case t.Texels:
		f.kind, f.suffix, f.specs, f.scratch = lanes, "_sg", 4, false
		return f
	case t.Queries == 0:
		if n > attentionSplit && t.Tiles {
			f.suffix, f.scratch, f.high = "_tile", false, attentionTile
		}
		return f
	}
	f.kind, f.specs, f.segment, f.loads = staged, 3, t.Positions, t.Loads
	large := t.Queries > attentionTile && vectors <= 32
	switch {
	case large && n > stagedApart:
		f.suffix, f.scratch, fit = "_many", false, min(16, 4*(128/vectors))
		if t.caps.VendorID == vk.VendorIntel && t.Subgroup < 16 {
			f.loads = max(1, f.loads/2) // Tiger Lake spills one with 4
		}
	case group > 1 || !large && n > attentionSplit:
		f.suffix, fit = "_four", min(4, 2*(64/vectors))
	default:
		if f.suffix = "_one"; kv != KVF32 || t.caps.VendorID != vk.VendorIntel { // Skylake spills a register or two with floats
			f.loads *= 2
		}
	}
	f.spread(group, fit)
	if n > stagedApart || !large && n > attentionSplit {
		f.high = fit / f.abreast
	}
	return f
}

// spread has workgroups take the query heads of a key head, at most so many each.
func (f *attentionForm) spread(group, most int) {
	f.tiles = int(groups(group, most))
	f.abreast = int(groups(group, f.tiles))
}
