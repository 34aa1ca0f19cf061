package tune

import (
	"encoding/binary"

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
	rows      vk.Span // one of each sequence, where it can be bound, then those of a prompt
	scratch   shaders.AttentionScratch
}

// newHeads takes the memory that heads need, of so many bytes of keys and values if a sequence has no more.
func newHeads(m *memory, of Heads, size uint64) *heads {
	h := &heads{sequences: int(max(1, size/(2*attentionPositions*uint64(of.Keys)*of.KV.HeadBytes(of.Dim))))}
	slots, most := shaders.Slots{Period: 1}, attentionRows[len(attentionRows)-1]
	var pages shaders.Pages
	if m.err == nil {
		pages, m.err = shaders.NewPages(m.arena, h.sequences, attentionPositions, 0, 0, slots)
	}
	if m.err == nil {
		h.cache, m.err = shaders.NewCache(m.arena, of.Keys, of.Dim, of.KV, slots, pages, m.dev.Caps().ShardLimit())
	}
	h.q, h.y = m.tensor(most, shaders.QueryCols(of.Queries, of.Dim)), m.tensor(most, of.Queries*of.Dim)
	parts, arrived := shaders.AttentionScratchBytes(of.Queries, of.Dim, attentionPositions)
	h.scratch = shaders.AttentionScratch{Parts: m.span(parts, 0), Arrived: m.span(arrived, 0)}
	rows := make([]byte, h.sequences*align+most*shaders.RowBytes)
	for i := range h.sequences {
		shaders.Row{Seq: uint32(i), Pos: attentionPositions - 1, Sees: attentionPositions}.Put(rows[i*align:])
	}
	for i := range most {
		sees := uint32(attentionPositions - most + i + 1)
		shaders.Row{Pos: sees - 1, Sees: sees}.Put(rows[h.sequences*align+i*shaders.RowBytes:])
	}
	h.rows = m.write(rows)
	for _, s := range h.cache.Shards {
		m.fill(s.K, halfOnes)
		m.fill(s.V, halfOnes)
	}
	m.fill(pages.Span, 0)
	if m.err == nil {
		table, _ := binary.Append(nil, binary.LittleEndian, pages.Table) // words cannot fail
		m.err = m.dev.Write(pages.Span.Slice(0, uint64(len(table))), table)
	}
	return h
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
		rows := shaders.Rows{Span: h.rows.Slice(uint64(first)*align, uint64(n)*shaders.RowBytes), N: n}
		r.Attention(h.y.First(n), h.q.First(n), h.cache, shaders.Gate{}, rows, attentionPositions, h.scratch)
		bytes += attentionPositions / shaders.PagePositions * h.cache.PageBytes()
	}
	return bytes
}
