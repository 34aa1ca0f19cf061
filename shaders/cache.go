package shaders

import (
	"fmt"

	"muninn/vk"
)

// Cache is one layer's keys and values, cut by heads in shards below the device's binding limit. Heads are those of keys, each of
// which serves as many query heads.
type Cache struct {
	Heads, HeadDim int
	Type           KVType
	Slots          Slots
	Pages          Pages // shared by all layers
	Units          int   // pages that it has
	Shards         []CacheShard

	table int // words of Pages before its table
}

// CacheShard holds K and V of some heads: each [Units][PagePositions][head][units] of 16 bytes, and for KVQ8 behind the keys
// [Units][PagePositions][head][blocks] words of two bfloat16 scales: the keys' in the low half, the values' in the high one.
type CacheShard struct {
	K, V         vk.Span
	Head0, Heads int
}

// headStride is the length of a head of queries: the head size rounded up to whole float vectors.
func headStride(headDim int) int { return roundUp(headDim, 4) }

// scaleWords is how many words lie before the scales in a shard.
func (c Cache) scaleWords(s CacheShard) uint32 {
	return uint32(uint64(c.Units*PagePositions*s.Heads) * c.Type.valueBytes(c.HeadDim) / 4)
}

// NewCache takes one layer's cache from the arena. Its slots are those of the core's layers in pages, or one with RuleOne.
func NewCache(a *vk.Arena, heads, headDim int, kv KVType, slots Slots, pages Pages, limit uint64) (Cache, error) {
	c := Cache{Heads: heads, HeadDim: headDim, Type: kv, Slots: slots, Pages: pages}
	var err error
	if c.table, c.Units, err = pages.pool(slots); err != nil {
		return c, err
	}
	cells := uint64(c.Units) * PagePositions
	per := int(min(limit/(cells*kv.KeyBytes(headDim)), uint64(heads)))
	if per == 0 {
		return c, fmt.Errorf("shaders: %d slots of %d positions take %d bytes a head, %w of %d: use a shorter context, fewer steps or a compressed cache",
			slots.Count(), c.Units*PagePositions/slots.Count(), cells*kv.KeyBytes(headDim), ErrBindingLimit, limit)
	}
	for h := 0; h < heads; h += per {
		n := min(per, heads-h)
		k, err := a.Alloc(uint64(n) * cells * kv.KeyBytes(headDim))
		if err != nil {
			return c, err
		}
		v, err := a.Alloc(uint64(n) * cells * kv.valueBytes(headDim))
		if err != nil {
			return c, err
		}
		c.Shards = append(c.Shards, CacheShard{K: k, V: v, Head0: h, Heads: n})
	}
	return c, nil
}

// PageBytes is the size of a page of the layer's keys and values.
func (c Cache) PageBytes() uint64 {
	return 2 * PagePositions * uint64(c.Heads) * c.Type.HeadBytes(c.HeadDim)
}

// QueryCols is the length of a row of so many query heads as QKVRope writes and Attention reads them.
func QueryCols(heads, headDim int) int { return heads * headStride(headDim) }

// group is how many query heads of q share each head of keys; 0 if they cannot be shared out.
func (c Cache) group(q Tensor) int {
	n := q.Cols / headStride(c.HeadDim)
	if q.Cols%headStride(c.HeadDim) != 0 || n%c.Heads != 0 {
		return 0
	}
	return n / c.Heads
}

// MoveSlot records that n positions of a sequence from pos on have in slot 0 what they have in slot from.
func (r *Recorder) MoveSlot(c Cache, seq, from, pos, n int) {
	row := func(slot int) int { return c.table + (seq*c.Slots.Count()+slot)*c.Pages.PerSequence }
	if !r.check(from > 0 && from < c.Slots.Count() && seq >= 0 && seq < c.Pages.Sequences && pos >= 0 && n > 0 && pos+n <= c.Pages.PerSequence*PagePositions,
		"slot %d of positions %d to %d of sequence %d, of %d slots", from, pos, pos+n, seq, c.Slots.Count()) {
		return
	}
	for end := pos + n; pos < end; pos += n {
		src, most := c.Pages.run(row(from), pos, end-pos)
		dst, k := c.Pages.run(row(0), pos, most)
		n = k
		r.moveCells(c, dst, src, n)
	}
}

// CopyPage records that unit dst of a layer's pool gets what unit src has.
func (r *Recorder) CopyPage(c Cache, dst, src uint32) {
	if r.check(int(max(dst, src)) < c.Units, "page %d to %d, of %d", src, dst, c.Units) {
		r.moveCells(c, int(dst)*PagePositions, int(src)*PagePositions, PagePositions)
	}
}

// CopyDepths records the same of the numbers of core steps stored.
func (r *Recorder) CopyDepths(p Pages, dst, src uint32) {
	at := func(unit uint32) vk.Span {
		return p.Span.Slice(uint64(p.depths()+int(unit)*PagePositions)*4, PagePositions*4)
	}
	r.Copy(at(dst), at(src))
}

// moveCells records that n cells from dst on get what those from src on have.
func (r *Recorder) moveCells(c Cache, dst, src, n int) {
	for _, s := range c.Shards {
		move := func(of vk.Span, begin, each uint64) {
			if each *= uint64(s.Heads); each > 0 {
				r.Copy(of.Slice(begin+uint64(dst)*each, uint64(n)*each), of.Slice(begin+uint64(src)*each, uint64(n)*each))
			}
		}
		move(s.K, 0, c.Type.valueBytes(c.HeadDim))
		move(s.K, uint64(c.scaleWords(s))*4, c.Type.scaleBytes(c.HeadDim))
		move(s.V, 0, c.Type.valueBytes(c.HeadDim))
	}
}
