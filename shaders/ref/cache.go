package ref

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// kvCache is a layer's cache: in plain form K and V [cell][head][headDim], with PagePositions cells to a unit, and the core steps
// stored for each position of its sequences; and on the device. Sequences have units of the pools in no order.
type kvCache struct {
	shaders.Cache
	K, V  []float32
	Steps [][]uint32 // [sequence][position]

	pages *operand
	k, v  []*operand // of each shard
}

// stored is the number of slots that a position has filled: those of its steps 0 to depth-1.
func (c *kvCache) stored(seq, pos int) int { return c.Slots.Stored(int(c.Steps[seq][pos])) }

// own is the slot of a row's running step.
func (c *kvCache) own(r shaders.Row) int {
	if r.LastOnly {
		return 0
	}
	return c.Slots.Slot(int(r.Step))
}

// at is the index of a head's vector in K and V.
func (c *kvCache) at(slot, seq, pos, head int) int {
	p, at := &c.Pages, seq*c.Pages.PerSequence
	if c.Slots.Rule != plain.RuleOne {
		at = p.PerSequence * (p.Sequences + seq*p.Core.Count() + slot)
	}
	unit := int(c.Pages.Table[at+pos/shaders.PagePositions])
	return ((unit*shaders.PagePositions+pos%shaders.PagePositions)*c.Heads + head) * c.HeadDim
}

// spare is how many units of a pool no sequence has.
const spare = 3

// emptyKV is a cache of NaN, for sequences of so many positions: reading what was never stored shows. No step is stored.
func emptyKV(kv shaders.KVType, s shaders.Slots, heads, headDim int, sequences []int) *kvCache {
	c := &kvCache{Cache: shaders.Cache{Type: kv, Slots: s, Heads: heads, HeadDim: headDim}}
	most := slices.Max(sequences)
	p := shaders.Pages{Sequences: len(sequences), PerSequence: shaders.PagesOf(most), Core: s}
	p.Units = p.Sequences*p.PerSequence + spare
	p.CoreUnits = p.Sequences*p.PerSequence*s.Count() + spare
	rnd := rand.New(rand.NewPCG(seed("pages"), uint64(most)))
	for _, unit := range rnd.Perm(p.Units)[:p.Units-spare] {
		p.Table = append(p.Table, uint32(unit))
	}
	for _, unit := range rnd.Perm(p.CoreUnits)[:p.CoreUnits-spare] {
		p.Table = append(p.Table, uint32(unit))
	}
	for _, n := range sequences {
		c.Steps = append(c.Steps, make([]uint32, n))
	}
	if c.Pages, c.Units = p, p.CoreUnits; s.Rule == plain.RuleOne {
		c.Units = p.Units
	}
	n := c.Units * shaders.PagePositions * heads * headDim
	c.K, c.V = filler(n), filler(n)
	return c
}

// depthAt is where the steps of a position are, in words of Pages.
func (c *kvCache) depthAt(seq, pos int) int {
	return len(c.Pages.Table) + int(c.Pages.Table[seq*c.Pages.PerSequence+pos/shaders.PagePositions])*shaders.PagePositions + pos%shaders.PagePositions
}

// store puts c on the device in the given number of shards of heads.
func (t *trial) store(c *kvCache, shards int, written bool) {
	words := append(slices.Clone(c.Pages.Table), slices.Repeat([]uint32{99}, c.Pages.Units*shaders.PagePositions)...)
	for seq, steps := range c.Steps {
		for pos, n := range steps {
			words[c.depthAt(seq, pos)] = n
		}
	}
	content, _ := binary.Append(nil, binary.LittleEndian, words) // fixed-size elements cannot fail
	c.pages = t.buffer("pages", content, written)
	c.Pages.Span = c.pages.data
	limit := uint64((c.Heads+shards-1)/shards) * uint64(c.Units) * shaders.PagePositions * c.Type.KeyBytes(c.HeadDim)
	t.buffer("guard before the cache", nil, false)
	if t.err == nil {
		c.Cache, t.err = shaders.NewCache(t.arena, c.Heads, c.HeadDim, c.Type, c.Slots, c.Pages, limit)
	}
	if t.err != nil {
		return
	}
	for _, s := range c.Shards {
		k, v := c.shard(s.Head0, s.Heads)
		c.k, c.v = append(c.k, t.block("k", s.K, k, written)), append(c.v, t.block("v", s.V, v, written))
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
		for ; len(x) > 0; x = x[min(format.Block, len(x)):] {
			d := kvScale(x[:min(format.Block, len(x))])
			for i, v := range x[:min(format.Block, len(x))] {
				x[i] = d * float32(blockInteger(v, d, format.Q8_0))
			}
		}
	}
}

// kvScale is the scale of a block in KVQ8, NaN if the block was never stored.
func kvScale(block []float32) float32 {
	if block[0] != block[0] {
		return block[0]
	}
	return format.BF16.Round(blockScale(block, format.Q8_0))
}

// kvStride is the number of values that a head's vector has room for.
func (c *kvCache) kvStride() int {
	to := map[shaders.KVType]int{shaders.KVF32: 4, shaders.KVF16: 8, shaders.KVQ8: 32}[c.Type]
	return (c.HeadDim + to - 1) / to * to
}

// shard is the content of K and V as a shard of heads holds it: head vectors padded with zeros, and behind the keys both's scales.
func (c *kvCache) shard(head0, heads int) (k, v []byte) {
	k, ks := c.plane(c.K, head0, heads)
	v, vs := c.plane(c.V, head0, heads)
	for i := 0; i < len(ks); i += 2 {
		k = append(append(k, ks[i:i+2]...), vs[i:i+2]...)
	}
	return k, v
}

// plane is the same of one of them, with its scales apart.
func (c *kvCache) plane(x []float32, head0, heads int) (b, scales []byte) {
	vector := make([]float32, c.kvStride())
	for i := range c.Units * shaders.PagePositions {
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
					d := kvScale(block)
					for _, v := range block {
						b = append(b, byte(blockInteger(v, d, format.Q8_0)))
					}
					scales = binary.LittleEndian.AppendUint16(scales, uint16(math.Float32bits(d)>>16))
				}
			}
		}
	}
	return b, scales
}

// vectors takes a shard's content apart, keys or values: heads' vectors with their padding. The scales are in the keys.
func (c *kvCache) vectors(shard, keys []byte) []float32 {
	var x []float32
	switch c.Type {
	case shaders.KVF32:
		return floatsOf(shard)
	case shaders.KVF16:
		x = make([]float32, len(shard)/2)
		format.F16.Decode(x, shard)
	case shaders.KVQ8:
		x = make([]float32, len(keys)/36*format.Block)
		scales, half := wordsOf(keys[len(x):]), 16
		if len(shard) == len(x) { // values
			half = 0
		}
		for i := range x {
			x[i] = float32(int8(shard[i])) * math.Float32frombits(scales[i/format.Block]<<half&^0xffff)
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
func (c *kvCache) read(dst []float32, shard, keys []byte, head0, heads int) {
	x, stride := c.vectors(shard, keys), c.kvStride()
	for i := range c.Units * shaders.PagePositions {
		for h := range heads {
			copy(dst[(i*c.Heads+head0+h)*c.HeadDim:][:c.HeadDim], x[(i*heads+h)*stride:][:c.HeadDim])
		}
	}
}

// headPadding lists the values behind the heads' ends in a shard, of vectors that were stored.
func (c *kvCache) headPadding(shard, keys []byte) []float32 {
	x, stride := c.vectors(shard, keys), c.kvStride()
	var pad []float32
	for i := 0; i < len(x); i += stride {
		if x[i] == x[i] {
			pad = append(pad, x[i+c.HeadDim:i+stride]...)
		}
	}
	return pad
}
