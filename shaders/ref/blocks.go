package ref

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"

	"muninn/shaders"
)

// blockScale is the scale of a block whose value of largest size becomes the integer furthest from zero: 127 or -127 in
// q8_0, -8 in q4_0. A block that is on such a grid gets its own scale back.
func blockScale(x []float32, f shaders.Format) float32 {
	top := float32(0)
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(top)) {
			top = v
		}
	}
	if f == shaders.Q4_0 {
		return Round(top/-8, shaders.F16)
	}
	return Round(float32(math.Abs(float64(top)))/127, shaders.F16)
}

// blockInteger is the integer that stands for v.
func blockInteger(v, scale float32, f shaders.Format) int {
	if scale == 0 {
		return 0
	}
	q := int(math.Round(float64(v) / float64(scale)))
	if f == shaders.Q4_0 {
		return max(-8, min(q, 7))
	}
	return max(-127, min(q, 127))
}

// toBlocks rounds a row to what a block format stores. With flush, scales that are denormal count as zero.
func toBlocks(x []float32, f shaders.Format, flush bool) {
	for ; len(x) > 0; x = x[min(shaders.BlockSize, len(x)):] {
		block := x[:min(shaders.BlockSize, len(x))]
		d := blockScale(block, f)
		used := d
		if flush && math.Abs(float64(d)) < 0x1p-14 {
			used = 0
		}
		for i, v := range block {
			block[i] = used * float32(blockInteger(v, d, f))
		}
	}
}

// appendBlock appends a block's integers to b and its scale to scales.
func appendBlock(b, scales []byte, x []float32, f shaders.Format) ([]byte, []byte) {
	d := blockScale(x, f)
	scales = binary.LittleEndian.AppendUint16(scales, float16.Fromfloat32(d).Bits())
	if f == shaders.Q8_0 {
		for _, v := range x {
			b = append(b, byte(blockInteger(v, d, f)))
		}
		return b, scales
	}
	for j := range shaders.BlockSize / 2 {
		low, high := blockInteger(x[j], d, f)+8, blockInteger(x[j+shaders.BlockSize/2], d, f)+8
		b = append(b, byte(low|high<<4))
	}
	return b, scales
}
