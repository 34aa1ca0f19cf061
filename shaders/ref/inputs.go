package ref

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/x448/float16"

	"muninn/shaders"
)

// family is a kind of input values.
type family int

const (
	uniform   family = iota // [-1, 1)
	heavy                   // one channel a thousand times larger
	halfMax                 // up to the largest half-precision number
	denormals               // zeros, denormals of the format, and ones
	families  = 4
)

func (f family) String() string {
	return [...]string{"uniform", "heavy-tailed", "near fp16 max", "zeros and denormals"}[f]
}

// seed is fixed by the case and the operand's name.
func seed(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// source gives the rows of a matrix, each by its number alone.
type source struct {
	seed   uint64
	family family
	format shaders.Format
	cols   int
}

func (s source) row(i int, dst []float32) {
	rnd := rand.NewPCG(s.seed, uint64(i))
	for c := range dst {
		word := rnd.Uint64()
		u := float32(int32(word)) * 0x1p-31 // [-1, 1)
		switch s.family {
		case heavy:
			if c == s.cols/3 {
				u *= 1000
			}
		case halfMax:
			u *= 65504
		case denormals:
			u = denormal(u, byte(word>>32)&3, s.format)
		}
		dst[c] = Round(u, s.format)
	}
	if s.format.Blocked() {
		toBlocks(dst, s.format, false)
	}
}

// denormal is a quarter zeros, half denormals of the format, a quarter ordinary numbers.
func denormal(u float32, kind byte, f shaders.Format) float32 {
	switch {
	case kind == 0:
		return 0
	case kind == 3:
		return u
	case f == shaders.F16 || f.Blocked():
		return u * 0x1p-14
	}
	return u * 0x1p-126
}

// all are rows rows in one slice.
func (s source) all(rows int) []float32 {
	x := make([]float32, rows*s.cols)
	for i := range rows {
		s.row(i, x[i*s.cols:][:s.cols])
	}
	return x
}

// flush is the source as a device sees it that takes denormals for zero.
func (s source) flush(i int, dst []float32) {
	s.row(i, dst)
	if s.format.Blocked() {
		toBlocks(dst, s.format, true)
		return
	}
	least := float32(0x1p-126)
	if s.format == shaders.F16 {
		least = 0x1p-14
	}
	for c, v := range dst {
		if v < least && v > -least {
			dst[c] = 0
		}
	}
}

// Round is v as the format stores it: to nearest, ties to even.
func Round(v float32, f shaders.Format) float32 {
	switch f {
	case shaders.F16:
		return float16.Fromfloat32(v).Float32()
	case shaders.BF16:
		b := math.Float32bits(v)
		return math.Float32frombits((b + 0x7FFF + b>>16&1) &^ 0xFFFF)
	}
	return v
}

// appendFormat appends a row that is already rounded as the format stores it: to b the weights, to scales what block
// formats keep beside them.
func appendFormat(b, scales []byte, x []float32, f shaders.Format) ([]byte, []byte) {
	switch f {
	case shaders.F16:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint16(b, float16.Fromfloat32(v).Bits())
		}
	case shaders.BF16:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		}
	case shaders.Q8_0, shaders.Q4_0:
		for ; len(x) > 0; x = x[shaders.BlockSize:] {
			b, scales = appendBlock(b, scales, x[:shaders.BlockSize], f)
		}
	default:
		b = appendFloats(b, x)
	}
	return b, scales
}
