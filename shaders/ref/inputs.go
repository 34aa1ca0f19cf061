package ref

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders/format"
)

// family is a kind of input values.
type family int

const (
	uniform   family = iota // [-1, 1)
	heavy                   // one channel a thousand times larger
	halfMax                 // up to the largest half-precision number
	denormals               // zeros, denormals of the format, and ones
	families  = 4           // those that any operation is given
	small     = 4           // weights so small that their halves, or their blocks' scales, are denormal: std 5e-4
)

func (f family) String() string {
	return [...]string{"uniform", "heavy-tailed", "near fp16 max", "zeros and denormals", "small"}[f]
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
	format format.Type
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
		case small:
			u *= 8.66e-4 // an even distribution: sqrt 3 deviations
		case denormals:
			u = denormal(u, byte(word>>32)&3, s.format)
		}
		dst[c] = s.format.Round(u)
	}
	if s.format.Blocked() {
		toBlocks(dst, s.format)
	}
}

// denormal is a quarter zeros, half denormals of the format, a quarter ordinary numbers.
func denormal(u float32, kind byte, f format.Type) float32 {
	switch {
	case kind == 0:
		return 0
	case kind == 3:
		return u
	case f == format.F16 || f.Blocked():
		return u * 0x1p-14
	}
	return u * 0x1p-126
}

// source gives rows that depend on the operation, the case's size and the name alone.
func (t *trial) source(name string, f family, typ format.Type, cols int) source {
	return source{seed(t.c.Op+" "+name, t.c.size), f, typ, cols}
}

// values are rows of cols float32 values.
func (t *trial) values(name string, f family, rows, cols int) []float32 {
	return t.source(name, f, format.F32, cols).all(rows)
}

// drawn is an input of such values.
func (t *trial) drawn(name string, f family, rows, cols int) tensor {
	return t.input(name, t.values(name, f, rows, cols), cols)
}

// all are rows rows in one slice.
func (s source) all(rows int) []float32 {
	x := make([]float32, rows*s.cols)
	for i := range rows {
		s.row(i, x[i*s.cols:][:s.cols])
	}
	return x
}

// appendFormat appends a row that is already rounded as the format stores it: to b the weights, to scales what block
// formats keep beside them.
func appendFormat(b, scales []byte, x []float32, f format.Type) ([]byte, []byte) {
	if !f.Blocked() {
		at := len(b)
		b = append(b, make([]byte, len(x)*f.Size())...)
		f.Encode(b[at:], x)
		return b, scales
	}
	for ; len(x) > 0; x = x[format.Block:] {
		b, scales = appendBlock(b, scales, x[:format.Block], f)
	}
	return b, scales
}

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
