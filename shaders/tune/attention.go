package tune

import (
	"encoding/binary"
	"errors"

	"muninn/shaders"
	"muninn/vk"
)

// Attention is measured over so many positions of a sequence, with so many rows at its end: of a token that is decoded, and of a prompt,
// beyond those that may all be of different sequences.
const attentionPositions = 1024

var (
	attentionRows     = []int{1, 80}
	attentionSettings = []string{"attention queries", "attention positions", "attention loads"} // each by what the one before has left
)

// heads is what attention reads and writes here: a cache of sequences side by side, which a program of one row goes through.
type heads struct {
	sequences int
	cache     shaders.Cache
	q, y      shaders.Tensor
	rows      vk.Span // one of each sequence, then those of a prompt
	scratch   shaders.AttentionScratch
}

// newHeads takes from an arena what heads need, of so many bytes of keys and values if they are so many.
func newHeads(dev *vk.Device, a *vk.Arena, of Heads, size uint64) (h *heads, err error) {
	h = &heads{sequences: int(max(1, size/(2*attentionPositions*uint64(of.Keys)*of.KV.HeadBytes(of.Dim))))}
	slots := shaders.Slots{Period: 1}
	pages, err := shaders.NewPages(a, h.sequences, attentionPositions, 0, 0, slots)
	if err != nil {
		return nil, err
	}
	most := attentionRows[len(attentionRows)-1]
	if h.cache, err = shaders.NewCache(a, of.Keys, of.Dim, of.KV, slots, pages, dev.Caps().ShardLimit()); err != nil {
		return nil, err
	}
	if h.q, err = shaders.NewTensor(a, most, shaders.QueryCols(of.Queries, of.Dim)); err != nil {
		return nil, err
	}
	if h.y, err = shaders.NewTensor(a, most, of.Queries*of.Dim); err != nil {
		return nil, err
	}
	parts, arrived := shaders.AttentionScratchBytes(of.Queries, of.Dim, attentionPositions)
	rows := make([]byte, (h.sequences+most)*shaders.RowBytes)
	for _, s := range []struct {
		of   *vk.Span
		size uint64
	}{{&h.scratch.Parts, parts}, {&h.scratch.Arrived, arrived}, {&h.rows, uint64(len(rows))}} {
		if *s.of, err = a.Alloc(s.size); err != nil {
			return nil, err
		}
	}
	for i := range h.sequences + most {
		row := shaders.Row{Seq: uint32(i), Pos: attentionPositions - 1, Sees: attentionPositions}
		if at := i - h.sequences; at >= 0 {
			row = shaders.Row{Pos: uint32(attentionPositions - most + at), Sees: uint32(attentionPositions - most + at + 1)}
		}
		row.Put(rows[i*shaders.RowBytes:])
	}
	table, _ := binary.Append(nil, binary.LittleEndian, pages.Table) // words cannot fail
	err = errors.Join(dev.Fill(pages.Span, 0), dev.Write(pages.Span.Slice(0, uint64(len(table))), table), dev.Write(h.rows, rows),
		dev.Fill(h.scratch.Arrived, 0), dev.Fill(h.q.Span, 0x3f800000))
	for _, s := range h.cache.Shards {
		err = errors.Join(err, dev.Fill(s.K, 0x3c003c00), dev.Fill(s.V, 0x3c003c00)) // ones in halves
	}
	return h, err
}

// times is how often a program of n rows has attention.
func (h *heads) times(n int) int {
	if n > 1 {
		return 1
	}
	return h.sequences
}

func (h *heads) record(r *shaders.Recorder, n int) (bytes uint64) {
	for i := range h.times(n) {
		first := i
		if n > 1 {
			first = h.sequences
		}
		rows := shaders.Rows{Span: h.rows.Slice(uint64(first)*shaders.RowBytes, uint64(n)*shaders.RowBytes), N: n}
		r.Attention(h.y.First(n), h.q.First(n), h.cache, shaders.Gate{}, rows, attentionPositions, h.scratch)
		bytes += attentionPositions / shaders.PagePositions * h.cache.PageBytes()
	}
	return bytes
}
