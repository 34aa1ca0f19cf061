package quant

import (
	"encoding/binary"

	"muninn/shaders/format"
)

// trials are the whole numbers and fractions that the weight of largest magnitude is tried as. -8 is plain rounding's
// choice; the whole ones make the search find grids that do not reach -8.
var trials = [...]float32{-8, -7, 7, -8.7, -8.4, -7.7, -7.4, 7.4}

// EncodeQ4 writes the blocks of src, a multiple of 32 weights, to dst: value = d * (q - 8), q from 0 to 15. The scale is
// searched for: each trial rounds the weights, the scale is then fitted to the quants by least squares, and the one
// with the least squared error is kept. Weights that lie on such a grid and reach -8 come back exactly.
func EncodeQ4(dst []byte, src []float32) error {
	if err := checked(src, maxHalf*8); err != nil {
		return err
	}
	for ; len(src) > 0; src, dst = src[format.Block:], dst[q4Bytes:] {
		encodeQ4((*[q4Bytes]byte)(dst), (*[format.Block]float32)(src))
	}
	return nil
}

func encodeQ4(out *[q4Bytes]byte, x *[format.Block]float32) {
	peak := peak(x)
	bits, d := half(peak / -8)
	least := squaredError(x, d)
	if least > 0 {
		bits, d = searchQ4(x, peak, bits, d, least)
	}
	binary.LittleEndian.PutUint16(out[:], bits)
	inverse := inverted(d)
	for j := range format.Block / 2 {
		out[2+j] = byte(int(round4(x[j]*inverse))+8) | byte(int(round4(x[j+format.Block/2]*inverse))+8)<<4
	}
}

// searchQ4 is the best of the plain scale d and what the trials lead to.
func searchQ4(x *[format.Block]float32, peak float32, bits uint16, d, least float32) (uint16, float32) {
	// By how much a fitted scale lowers the sum of squares: (sum x q)^2 / sum q^2. That ranks the trials without a second
	// look at the weights.
	best, fit := float32(-1), float32(0)
	for _, trial := range &trials {
		xq, qq := correlate(x, trial/peak)
		if gain := xq * xq / qq; gain > best {
			best, fit = gain, xq/qq
		}
	}
	// The rounded scale changes quants, and they the scale: a second round settles that.
	for range 2 {
		b, s := half(fit)
		if e := squaredError(x, s); e < least {
			bits, d, least = b, s, e
		}
		if s == 0 {
			break
		}
		xq, qq := correlate(x, 1/s)
		if qq == 0 {
			break
		}
		fit = xq / qq
	}
	return bits, d
}

// round4 is the nearest quant, from -8 to 7.
func round4(v float32) float32 {
	v = float32(v) // a product, not to be fused
	if v > 7 {
		return 7
	}
	if v < -8 {
		return -8
	}
	return float32(v+magic) - magic
}

// correlate quantizes x * inverse and gives sum x q and sum q q. Four sums each: one would wait for itself.
func correlate(x *[format.Block]float32, inverse float32) (xq, qq float32) {
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	for i := 0; i < format.Block; i += 4 {
		q0, q1 := round4(x[i]*inverse), round4(x[i+1]*inverse)
		q2, q3 := round4(x[i+2]*inverse), round4(x[i+3]*inverse)
		a0 += float32(x[i] * q0)
		a1 += float32(x[i+1] * q1)
		a2 += float32(x[i+2] * q2)
		a3 += float32(x[i+3] * q3)
		b0 += float32(q0 * q0)
		b1 += float32(q1 * q1)
		b2 += float32(q2 * q2)
		b3 += float32(q3 * q3)
	}
	return float32(a0+a1) + float32(a2+a3), float32(b0+b1) + float32(b2+b3)
}

// squaredError of the block at scale d.
func squaredError(x *[format.Block]float32, d float32) float32 {
	inverse := inverted(d)
	var sum [4]float32
	for i, v := range x {
		e := v - float32(d*round4(v*inverse))
		sum[i&3] += float32(e * e)
	}
	return float32(sum[0]+sum[1]) + float32(sum[2]+sum[3])
}

func inverted(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}
