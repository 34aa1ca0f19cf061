// Package quant turns weights into ggml's blocks of 32 and back: Q8_0 (34 bytes) and Q4_0 (18 bytes), each a
// half precision scale d, then the quants. The same weights give the same bytes on every machine.
//
// Why q4_0: at 4.5 bits a weight unless said otherwise, the relative error of a product over weights that are normal,
// heavy-tailed (Student, 4 degrees), and heavy-tailed with loud columns (TestRules prints these); then, with the block matrices
// of the demo model in that rule, KL to float32 weights and rms difference of the logits at the answers to 40 problems of
// 0 to 7 hops, r = 32:
//
//	                                normal  heavy   loud      KL    rms
//	q4_0, scale searched (shipped)   0.081  0.115  0.141  4.4e-6   0.21
//	q4_0, best of 600 scales         0.082  0.114  0.141  4.6e-6   0.19
//	q4_0, plain rounding             0.085  0.119  0.143  5.4e-6   0.27
//	q4_0, symmetric -7 to 7          0.096  0.132  0.156  1.3e-5   0.31
//	iq4_nl, scale searched           0.071  0.092  0.111  2.3e-6   0.15
//	mxfp4 (4.25 bits)                0.112  0.128  0.153  8.4e-6   0.28
//	q4_1, range searched (5 bits)    0.070  0.085  0.097  5.3e-6   0.17
//
// At r = 8 the figures are the same within a few percent. iq4_nl is the better rule for such weights, but its code book cannot
// hold weights that were trained or made on a 4-bit integer grid, which q4_0 holds exactly, and its kernel looks every
// weight up. q4_1 takes 11 % more bytes.
package quant

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"muninn/shaders/format"
)

// Bytes of a block: two of scale, then the quants.
const (
	q8Bytes = format.ScaleBytes + format.Block
	q4Bytes = format.ScaleBytes + format.Block/2
)

// ValueError is a weight that no block can hold: not finite, or so large that the half precision scale overflows.
type ValueError struct {
	Index int // among the weights given
	Value float32
	Most  float32 // largest magnitude that fits
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("weight %d is %g, blocks hold finite values up to %g", e.Index, e.Value, e.Most)
}

// BlockError is a block that no writer of this package makes.
type BlockError struct {
	Index int // block among those given
	What  string
}

func (e *BlockError) Error() string { return fmt.Sprintf("block %d has %s", e.Index, e.What) }

const maxHalf = 65504

// checked finds a weight that cannot be stored when the largest scale is maxHalf and the largest quant most.
func checked(src []float32, most float32) error {
	for i, x := range src {
		if !(x >= -most && x <= most) {
			return &ValueError{i, x, most}
		}
	}
	return nil
}

func half(x float32) (bits uint16, value float32) {
	bits = format.F32ToF16(x)
	return bits, format.F16ToF32(bits)
}

// Float32 products are converted where they are added up: without that the compiler may fuse the two on some machines, and
// the bytes would differ there.

// magic rounds to the nearest whole number, ties to even, when it is added and taken off again: |x| below 2^22.
const magic = 3 << 22

// EncodeQ8 writes the blocks of src, a multiple of 32 weights, to dst: value = d * q, q from -127 to 127. The scale is the
// largest magnitude over 127, so weights that lie on such a grid and reach an end of it come back exactly. So do weights
// on the grid of EncodeQ4: an embedding that was made for 4 bits loses nothing by being kept at 8.
func EncodeQ8(dst []byte, src []float32) error {
	if err := checked(src, maxHalf*127); err != nil {
		return err
	}
	for ; len(src) > 0; src, dst = src[format.Block:], dst[q8Bytes:] {
		block, out := (*[format.Block]float32)(src), (*[q8Bytes]byte)(dst)
		most := abs(peak(block))
		bits, d := half(most / 127)
		for _, end := range [...]float32{8, 7} {
			if b, s := half(most / end); onGrid(block, s) {
				bits, d = b, s
				break
			}
		}
		binary.LittleEndian.PutUint16(out[:], bits)
		inverse := inverted(d)
		for i, x := range block {
			// A subnormal scale may be rounded down by much: hence the limits.
			q := min(max(float32(x*inverse), -127), 127)
			out[2+i] = byte(int8(float32(q+magic) - magic))
		}
	}
	return nil
}

// peak is the weight of largest magnitude.
func peak(block *[format.Block]float32) (x float32) {
	for _, v := range block {
		if abs(v) > abs(x) {
			x = v
		}
	}
	return x
}

func abs(x float32) float32 { return max(x, -x) }

// onGrid tells whether all weights are multiples of d by -8 to 7; for others it mostly looks at one or two.
func onGrid(x *[format.Block]float32, d float32) bool {
	inverse := inverted(d)
	for _, v := range x {
		if float32(d*round4(v*inverse)) != v && float32(d*-round4(-v*inverse)) != v {
			return false
		}
	}
	return true
}

// Check looks through foreign blocks of a type; one without blocks has nothing to look for. Scales must be finite, and -128,
// which EncodeQ8 never writes, is refused, because a kernel may rely on -q being a byte too.
func Check(t format.Type, src []byte) error {
	if !t.Blocked() {
		return nil
	}
	_, bytes := t.Block()
	for i := 0; i+bytes <= len(src); i += bytes {
		if bits := binary.LittleEndian.Uint16(src[i:]); bits&0x7c00 == 0x7c00 {
			return &BlockError{i / bytes, fmt.Sprintf("the scale %v", math.Abs(float64(format.F16ToF32(bits))))}
		}
		if t == format.Q8_0 && slices.Contains(src[i+format.ScaleBytes:i+bytes], 0x80) {
			return &BlockError{i / bytes, "a quant of -128, q8_0 has -127 to 127"}
		}
	}
	return nil
}
