package ref

import (
	"encoding/binary"

	"muninn/shaders"
)

// kvCache is a layer's cache in plain form: K and V [slot][cell][head][headDim], and the core steps stored for each cell.
type kvCache struct {
	Type    shaders.KVType
	Slots   shaders.Slots
	Cells   int
	Heads   int
	HeadDim int
	K, V    []float32
	Depth   []uint32
}

// stored is the number of slots that a cell has filled: those of its steps 0 to depth-1.
func (c *kvCache) stored(cell int) int { return c.Slots.Stored(int(c.Depth[cell])) }

// at is the index of a head's vector in K and V.
func (c *kvCache) at(slot, cell, head int) int {
	return ((slot*c.Cells+cell)*c.Heads + head) * c.HeadDim
}

// emptyKV is a cache of NaN: reading what was never stored shows.
func emptyKV(kv shaders.KVType, s shaders.Slots, cells, heads, headDim int) *kvCache {
	n := s.Count() * cells * heads * headDim
	return &kvCache{Type: kv, Slots: s, Cells: cells, Heads: heads, HeadDim: headDim, K: filler(n), V: filler(n), Depth: make([]uint32, cells)}
}

// deviceKV is a cache on the device with a kvCache's content.
type deviceKV struct {
	shaders.Cache
	depth *operand
	k, v  []*operand // of each shard
}

// cache puts c on the device in the given number of shards of heads.
func (t *trial) cache(c *kvCache, shards int, written bool) deviceKV {
	depth, _ := binary.Append(nil, binary.LittleEndian, c.Depth) // fixed-size elements cannot fail
	o := deviceKV{depth: t.buffer("depth", depth, written)}
	head := uint64(c.Slots.Count()) * uint64(c.Cells) * c.Type.HeadBytes(c.HeadDim)
	limit := uint64((c.Heads+shards-1)/shards) * head
	t.buffer("guard before the cache", nil, false)
	if t.err == nil {
		o.Cache, t.err = shaders.NewCache(t.arena, c.Heads, c.HeadDim, c.Cells, c.Type, c.Slots, o.depth.data, limit)
	}
	if t.err != nil {
		return o
	}
	for _, s := range o.Shards {
		o.k = append(o.k, t.block("k", s.K, c.shard(c.K, s.Head0, s.Heads), written))
		o.v = append(o.v, t.block("v", s.V, c.shard(c.V, s.Head0, s.Heads), written))
	}
	t.buffer("guard after the cache", nil, false)
	return o
}
