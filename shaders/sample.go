package shaders

import (
	"math"

	"muninn/vk"
)

// Filter says how Sample draws from a row, 32 bytes as in sample.comp. The zero Filter leaves the row as Argmax did.
type Filter struct {
	InverseTemperature float32
	TopK               uint32  // 0: off
	TopP               float32 // 0 or at least 1: off
	MinP               float32 // 0: off
	U                  float32 // uniform in (0, 1)
	Enabled            uint32
}

// FilterBytes is the size of a Filter on the device.
const FilterBytes = 32

// Edges tells whether an edge has to be looked for in the weights.
func (f Filter) Edges() bool { return f.Enabled != 0 && (f.TopK > 0 || f.TopP > 0) }

// Put writes the filter as the device reads it.
func (f Filter) Put(b []byte) {
	put(b, math.Float32bits(f.InverseTemperature), f.TopK, math.Float32bits(f.TopP), math.Float32bits(f.MinP), math.Float32bits(f.U), f.Enabled, 0, 0)
}

// sampleLevels and sampleBins are how often, and how finely, Sample looks where in the weights an edge lies.
const (
	sampleLevels = 3
	sampleBins   = 1024
)

// Sample records a draw from each row's filtered distribution; it runs after Argmax over the same rows.
// logits (n, vocabulary); filters (n) Filter; choices (n) Choice, in place. edges tells whether any filter has Edges.
func (r *Recorder) Sample(choices vk.Span, logits Tensor, filters vk.Span, scratch PickScratch, edges bool) {
	chunk := r.k.chunk(logits.Cols)
	push := struct{ Vocab, Stride, Chunk, Level uint32 }{Vocab: uint32(logits.Cols), Stride: uint32(logits.Stride), Chunk: uint32(chunk)}
	r.room(scratch, logits)
	lanes, bind := []uint32{uint32(r.k.Lanes), whole(logits)}, []vk.Span{logits.Span, filters, choices, scratch.Bins, scratch.Cuts, scratch.Parts}
	all, cost := rowsY(groups(logits.Cols, chunk), logits.Rows, 1), vk.Cost{Bytes: 2 * logits.bytes(), FLOPs: 8 * logits.bytes()}
	for ; edges && push.Level < sampleLevels; push.Level++ {
		r.dispatchSpec("sample_select", lanes, push, all, cost, bind[:5]...)
	}
	r.dispatchSpec("sample_sum", lanes, push, all, cost, bind...)
	r.dispatchSpec("sample_draw", lanes, push, rowsX(logits.Rows), vk.Cost{Bytes: 4 * uint64(logits.Rows*chunk), FLOPs: 16 * uint64(logits.Rows*chunk)}, bind...)
}
