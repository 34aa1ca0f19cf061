package checkpoint

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"

	"muninn/model/checkpoint/quant"
)

// DType is the element type of a stored tensor, spelled as in safetensors headers and GGUF files.
type DType string

// The element types that weights may have. Q8_0 and Q4_0 come in blocks of 32 with a scale, and in GGUF files only.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	Q8_0 DType = "Q8_0"
	Q4_0 DType = "Q4_0"
)

// Block is the number of elements that are stored together, and their bytes; 0, 0 for an unknown type.
func (d DType) Block() (elements, bytes int) {
	switch d {
	case Q8_0:
		return quant.Block, quant.Q8Bytes
	case Q4_0:
		return quant.Block, quant.Q4Bytes
	case F32, F16, BF16:
		return 1, d.Size()
	}
	return 0, 0
}

// Known tells whether weights of this type can be read.
func (d DType) Known() bool { n, _ := d.Block(); return n != 0 }

// Quantised tells whether elements come in blocks with a scale.
func (d DType) Quantised() bool { return d == Q8_0 || d == Q4_0 }

// Bytes is the size of n elements, whole blocks of them.
func (d DType) Bytes(n int64) int64 {
	elements, bytes := d.Block()
	if elements == 0 {
		return 0
	}
	return n / int64(elements) * int64(bytes)
}

// Elements is the number of elements in n bytes.
func (d DType) Elements(n int64) int64 {
	elements, bytes := d.Block()
	if elements == 0 {
		return 0
	}
	return n / int64(bytes) * int64(elements)
}

// Size is the size of one element in bytes, 0 for an unknown type and for one that comes in blocks.
func (d DType) Size() int {
	switch d {
	case F32:
		return 4
	case F16, BF16:
		return 2
	}
	return 0
}

// BF16ToF32 widens a bfloat16 bit pattern; exact.
func BF16ToF32(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even. A NaN stays a NaN.
func F32ToBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if b&0x7fffffff > 0x7f800000 {
		// Rounding could carry a NaN's payload into the exponent: set a bit that stays.
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// F16ToF32 widens an IEEE half precision bit pattern; exact.
func F16ToF32(bits uint16) float32 { return float16.Frombits(bits).Float32() }

// F32ToF16 rounds to the nearest half precision number, ties to even; too large values become infinite.
func F32ToF16(v float32) uint16 { return float16.Fromfloat32(v).Bits() }

// Decode widens len(dst) little-endian elements of src, whole blocks of them; src holds at least their bytes.
func (d DType) Decode(dst []float32, src []byte) {
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case Q8_0:
		quant.DecodeQ8(dst, src)
	case Q4_0:
		quant.DecodeQ4(dst, src)
	}
}

// Encode narrows src into little-endian elements of a type without blocks, rounding to nearest even; dst holds at least
// len(src)*d.Size() bytes.
func (d DType) Encode(dst []byte, src []float32) {
	switch d {
	case F32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	case F16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(v))
		}
	case BF16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToBF16(v))
		}
	}
}
