package ref

import (
	"encoding/binary"
	"math"
	"slices"

	"muninn/shaders/format"
)

// blockScale is the scale of a block whose value of largest size becomes the integer furthest from zero: 127 or -127 in
// q8_0, -8 in q4_0. It is stored in half precision; a block that is on the grid of such a scale gets that back.
func blockScale(x []float32, f format.Type) float32 {
	top := float32(0)
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(top)) {
			top = v
		}
	}
	if f == format.Q4_0 {
		return top / -8
	}
	return float32(math.Abs(float64(top))) / 127
}

// blockInteger is the integer that stands for v.
func blockInteger(v, scale float32, f format.Type) int {
	if scale == 0 {
		return 0
	}
	q := int(math.Round(float64(v) / float64(scale)))
	if f == format.Q4_0 {
		return max(-8, min(q, 7))
	}
	return max(-127, min(q, 127))
}

// toBlocks rounds a row to what a block format stores.
func toBlocks(x []float32, f format.Type) {
	for ; len(x) > 0; x = x[min(format.Block, len(x)):] {
		block := x[:min(format.Block, len(x))]
		d := blockScale(block, f)
		for i, v := range block {
			block[i] = format.F16.Round(d) * float32(blockInteger(v, d, f))
		}
	}
}

// lift multiplies halves by the largest power of two that a shard may hold them times, and returns which.
func lift(halves []byte, f format.Type) int {
	by := f.MostLift() - format.LiftHalves(slices.Clone(halves), f.MostLift())
	format.LiftHalves(halves, by)
	return by
}

// appendBlock appends a block's integers to b and its scale to scales.
func appendBlock(b, scales []byte, x []float32, f format.Type) ([]byte, []byte) {
	d := blockScale(x, f)
	scales = binary.LittleEndian.AppendUint16(scales, format.F32ToF16(d))
	if f == format.Q8_0 {
		for _, v := range x {
			b = append(b, byte(blockInteger(v, d, f)))
		}
		return b, scales
	}
	for j := range format.Block / 2 {
		low, high := blockInteger(x[j], d, f)+8, blockInteger(x[j+format.Block/2], d, f)+8
		b = append(b, byte(low|high<<4))
	}
	return b, scales
}
