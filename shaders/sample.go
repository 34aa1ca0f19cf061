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

// Put writes the filter as the device reads it.
func (f Filter) Put(b []byte) {
	put(b, math.Float32bits(f.InverseTemperature), f.TopK, math.Float32bits(f.TopP), math.Float32bits(f.MinP), math.Float32bits(f.U), f.Enabled, 0, 0)
}

// Sample records a draw from each row's filtered distribution; it runs after Argmax over the same rows.
// logits (n, vocabulary); filters (n) Filter; choices (n) Choice, in place.
func (r *Recorder) Sample(choices vk.Span, logits Tensor, filters vk.Span) {
	r.dispatch("sample", pickPush{uint32(logits.Cols), uint32(logits.Stride)}, rowsX(logits.Rows),
		vk.Cost{Bytes: 64 * logits.bytes(), FLOPs: 128 * logits.bytes()}, logits.Span, filters, choices)
}
