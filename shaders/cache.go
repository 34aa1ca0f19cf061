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
	Cells          int // positions it can hold, over all sequences
	Slots          Slots
	Depth          vk.Span // [Cells] uint32: core steps stored for each cell, shared by all layers
	Shards         []CacheShard
}

// CacheShard holds K and V of some heads: each [slot][cell][head][units] of 16 bytes, and for KVQ8 behind them
// [slot][cell][head][blocks] float32 scales.
type CacheShard struct {
	K, V         vk.Span
	Head0, Heads int
}

// headStride is the length of a head of queries: the head size rounded up to whole float vectors.
func headStride(headDim int) int { return roundUp(headDim, 4) }

// scaleWords is how many words lie before the scales in a shard.
func (c Cache) scaleWords(s CacheShard) uint32 {
	return uint32(c.Slots.Count() * c.Cells * s.Heads * c.Type.units(c.HeadDim) * 4)
}

// NewCache takes one layer's cache from the arena; depth is shared by the layers of a session.
func NewCache(a *vk.Arena, heads, headDim, cells int, kv KVType, slots Slots, depth vk.Span, limit uint64) (Cache, error) {
	c := Cache{Heads: heads, HeadDim: headDim, Type: kv, Cells: cells, Slots: slots, Depth: depth}
	head := uint64(slots.Count()) * uint64(cells) * kv.HeadBytes(headDim)
	per := int(min(limit/head, uint64(heads)))
	if per == 0 {
		return c, fmt.Errorf("shaders: %d slots of %d positions take %d bytes a head, %w of %d: use a shorter context, fewer steps or a compressed cache",
			slots.Count(), cells, head, ErrBindingLimit, limit)
	}
	for h := 0; h < heads; h += per {
		n := min(per, heads-h)
		k, err := a.Alloc(uint64(n) * head)
		if err != nil {
			return c, err
		}
		v, err := a.Alloc(uint64(n) * head)
		if err != nil {
			return c, err
		}
		c.Shards = append(c.Shards, CacheShard{K: k, V: v, Head0: h, Heads: n})
	}
	return c, nil
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

// MoveSlot records that n cells from one on have in slot 0 what they have in slot from.
func (r *Recorder) MoveSlot(c Cache, from, cell, n int) {
	r.check(from > 0 && from < c.Slots.Count() && cell >= 0 && n > 0 && cell+n <= c.Cells, "slot %d of cells %d to %d, of %d slots and %d cells", from, cell, cell+n, c.Slots.Count(), c.Cells)
	for _, s := range c.Shards {
		values, scales := uint64(s.Heads*c.Type.units(c.HeadDim)*16), uint64(0)
		if c.Type == KVQ8 {
			scales = values / 8 // 4 bytes for 32 of one each
		}
		for _, of := range []vk.Span{s.K, s.V} {
			move := func(begin, each uint64) {
				if each > 0 {
					r.Copy(of.Slice(begin+uint64(cell)*each, uint64(n)*each), of.Slice(begin+uint64(from*c.Cells+cell)*each, uint64(n)*each))
				}
			}
			move(0, values)
			move(uint64(c.scaleWords(s))*4, scales)
		}
	}
}
