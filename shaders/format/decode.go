package format

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

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

// Round is v as a type without blocks stores it.
func (t Type) Round(v float32) float32 {
	switch t {
	case F16:
		return F16ToF32(F32ToF16(v))
	case BF16:
		return BF16ToF32(F32ToBF16(v))
	}
	return v
}

// Decode widens len(dst) little-endian elements of src, whole blocks of them; src holds at least their bytes.
func (t Type) Decode(dst []float32, src []byte) {
	switch t {
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
	case Q8_0, Q4_0:
		_, bytes := t.Block()
		for ; len(dst) > 0; src, dst = src[bytes:], dst[Block:] {
			scale := F16ToF32(binary.LittleEndian.Uint16(src))
			if t == Q8_0 {
				decodeQ8((*[Block]float32)(dst), src[ScaleBytes:], scale)
			} else {
				decodeQ4((*[Block]float32)(dst), src[ScaleBytes:], scale)
			}
		}
	}
}

func decodeQ8(dst *[Block]float32, src []byte, scale float32) {
	in := (*[Block]byte)(src)
	for i := range dst {
		dst[i] = scale * float32(int8(in[i]))
	}
}

// decodeQ4: byte j holds weight j in its low half and weight j+16 in the high one.
func decodeQ4(dst *[Block]float32, src []byte, scale float32) {
	in := (*[Block / 2]byte)(src)
	for j, b := range in {
		dst[j] = scale * float32(int(b&15)-8)
		dst[j+Block/2] = scale * float32(int(b>>4)-8)
	}
}

// Encode narrows src into little-endian elements of a type without blocks, rounding to nearest even; dst holds at least
// len(src)*t.Size() bytes.
func (t Type) Encode(dst []byte, src []float32) {
	switch t {
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
