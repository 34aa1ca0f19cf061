package ref

import (
	"encoding/binary"
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
)

// kvCache is a layer's cache: in plain form K and V [slot][cell][head][headDim], and the core steps stored for each cell; and on
// the device.
type kvCache struct {
	shaders.Cache
	K, V  []float32
	Steps []uint32

	depth *operand
	k, v  []*operand // of each shard
}

// stored is the number of slots that a cell has filled: those of its steps 0 to depth-1.
func (c *kvCache) stored(cell int) int { return c.Slots.Stored(int(c.Steps[cell])) }

// own is the slot of a row's running step.
func (c *kvCache) own(r shaders.Row) int {
	if r.LastOnly {
		return 0
	}
	return c.Slots.Slot(int(r.Step))
}

// at is the index of a head's vector in K and V.
func (c *kvCache) at(slot, cell, head int) int {
	return ((slot*c.Cells+cell)*c.Heads + head) * c.HeadDim
}

// emptyKV is a cache of NaN: reading what was never stored shows.
func emptyKV(kv shaders.KVType, s shaders.Slots, cells, heads, headDim int) *kvCache {
	n := s.Count() * cells * heads * headDim
	return &kvCache{Cache: shaders.Cache{Type: kv, Slots: s, Cells: cells, Heads: heads, HeadDim: headDim},
		K: filler(n), V: filler(n), Steps: make([]uint32, cells)}
}

// store puts c on the device in the given number of shards of heads.
func (t *trial) store(c *kvCache, shards int, written bool) {
	steps, _ := binary.Append(nil, binary.LittleEndian, c.Steps) // fixed-size elements cannot fail
	c.depth = t.buffer("depth", steps, written)
	limit := uint64((c.Heads+shards-1)/shards) * uint64(c.Slots.Count()) * uint64(c.Cells) * c.Type.HeadBytes(c.HeadDim)
	t.buffer("guard before the cache", nil, false)
	if t.err == nil {
		c.Cache, t.err = shaders.NewCache(t.arena, c.Heads, c.HeadDim, c.Cells, c.Type, c.Slots, c.depth.data, limit)
	}
	if t.err != nil {
		return
	}
	for _, s := range c.Shards {
		c.k = append(c.k, t.block("k", s.K, c.shard(c.K, s.Head0, s.Heads), written))
		c.v = append(c.v, t.block("v", s.V, c.shard(c.V, s.Head0, s.Heads), written))
	}
	t.buffer("guard after the cache", nil, false)
}

// kvRound rounds a head's vector to what a KV type stores.
func kvRound(x []float32, t shaders.KVType) {
	switch t {
	case shaders.KVF16:
		for i, v := range x {
			x[i] = format.F16.Round(v)
		}
	case shaders.KVQ8:
		toBlocks(x, format.Q8_0)
	}
}

// kvStride is the number of values that a head's vector has room for.
func (c *kvCache) kvStride() int {
	to := map[shaders.KVType]int{shaders.KVF32: 4, shaders.KVF16: 8, shaders.KVQ8: 32}[c.Type]
	return (c.HeadDim + to - 1) / to * to
}

// shard is the content of K or V as a shard of heads holds it: head vectors padded with zeros, and behind them the scales.
func (c *kvCache) shard(x []float32, head0, heads int) []byte {
	var b, scales []byte
	vector := make([]float32, c.kvStride())
	for i := range c.Slots.Count() * c.Cells {
		for h := head0; h < head0+heads; h++ {
			copy(vector, x[(i*c.Heads+h)*c.HeadDim:][:c.HeadDim])
			switch c.Type {
			case shaders.KVF32:
				b = appendFloats(b, vector)
			case shaders.KVF16:
				b, _ = appendFormat(b, nil, vector, format.F16)
			case shaders.KVQ8:
				for k := 0; k < len(vector); k += format.Block {
					block := vector[k:][:format.Block]
					d := format.F16.Round(blockScale(block, format.Q8_0))
					if block[0] != block[0] {
						d = block[0] // never stored: a scale that is no number
					}
					for _, v := range block {
						b = append(b, byte(blockInteger(v, d, format.Q8_0)))
					}
					scales = appendFloats(scales, []float32{d})
				}
			}
		}
	}
	return append(b, scales...)
}

// vectors takes a shard's content apart: heads' vectors with their padding.
func (c *kvCache) vectors(shard []byte) []float32 {
	var x []float32
	switch c.Type {
	case shaders.KVF32:
		return floatsOf(shard)
	case shaders.KVF16:
		x = make([]float32, len(shard)/2)
		format.F16.Decode(x, shard)
	case shaders.KVQ8:
		x = make([]float32, len(shard)/36*format.Block)
		scales := floatsOf(shard[len(x):])
		for i := range x {
			x[i] = float32(int8(shard[i])) * scales[i/format.Block]
		}
	}
	for i := range x {
		if x[i] != x[i] {
			x[i] = math.Float32frombits(nanWord)
		}
	}
	return x
}

// read takes a shard's content back into the plain form; heads that the shard does not hold stay.
func (c *kvCache) read(dst []float32, shard []byte, head0, heads int) {
	x, stride := c.vectors(shard), c.kvStride()
	for i := range c.Slots.Count() * c.Cells {
		for h := range heads {
			copy(dst[(i*c.Heads+head0+h)*c.HeadDim:][:c.HeadDim], x[(i*heads+h)*stride:][:c.HeadDim])
		}
	}
}

// headPadding lists the values behind the heads' ends in a shard, of vectors that were stored.
func (c *kvCache) headPadding(shard []byte) []float32 {
	x, stride := c.vectors(shard), c.kvStride()
	var pad []float32
	for i := 0; i < len(x); i += stride {
		if x[i] == x[i] {
			pad = append(pad, x[i+c.HeadDim:i+stride]...)
		}
	}
	return pad
}
