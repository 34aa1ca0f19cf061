package format

import (
	"encoding/binary"
	"math/bits"
)

// mostLift is the power of two that makes every half-precision number but zero a normal one. Drivers may read subnormal
// halves as zero, so the halves of a matrix on a device are stored times a power of two: 2^mostLift, or as much as leaves them finite.
const mostLift = 10

// MostLift is the power of two by which those are multiplied unless they are too large; 0 where the format
// has none.
func (t Type) MostLift() int {
	if t == F16 || t.Blocked() {
		return mostLift
	}
	return 0
}

// MatrixLift is MostLift of bf16 weights: stored as they are, they become halves on the way to matrix units.
const MatrixLift = mostLift

// BeyondHalves is by how much less than 2^lift bf16 numbers can be multiplied at most so that none is beyond the largest half.
func BeyondHalves(b []byte, lift int) (over int) {
	top := byte(0) // upper bits of exponents, then the last
	exponent := 0
	for ; len(b) > 1; b = b[2:] {
		if b[1]&0x7f < top&0x7f {
			continue
		}
		top = b[1]
		if e := int(top&0x7f)<<1 | int(b[0]>>7); e != 0xff { // a number
			exponent = max(exponent, e)
		}
	}
	return max(0, exponent+lift-(127+15))
}

// LiftHalves multiplies half-precision numbers by 2^lift, exactly; lift is 0 to 10. It returns by how much less they
// can be multiplied at most: when that is not 0, b is not to be used.
func LiftHalves(b []byte, lift int) (over int) {
	for ; len(b) > 1; b = b[2:] {
		h := binary.LittleEndian.Uint16(b)
		exponent, fraction := int(h>>10&31), h&0x3ff
		switch {
		case h&0x7fff == 0 || exponent == 31: // no power of two changes it
			continue
		case exponent > 0:
			exponent += lift
		case lift < 11-bits.Len16(fraction): // still subnormal
			fraction <<= lift
		default:
			exponent = lift - (10 - bits.Len16(fraction))
			fraction = fraction << (11 - bits.Len16(fraction)) & 0x3ff
		}
		over = max(over, exponent-30)
		binary.LittleEndian.PutUint16(b, h&0x8000|uint16(exponent)<<10|fraction)
	}
	return over
}
