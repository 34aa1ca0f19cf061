package format

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/x448/float16"
)

// Every half times every power is what arithmetic says, or is said to be too large.
func TestLiftHalves(t *testing.T) {
	b := make([]byte, 2)
	for lift := range mostLift + 1 {
		for h := range 1 << 16 {
			v := float16.Frombits(uint16(h)).Float32()
			binary.LittleEndian.PutUint16(b, uint16(h))
			over := LiftHalves(b, lift)
			got, want := float16.Frombits(binary.LittleEndian.Uint16(b)).Float32(), float32(math.Ldexp(float64(v), lift))
			if math.Abs(float64(want)) > 65504 && !math.IsInf(float64(v), 0) {
				if less := float32(math.Ldexp(float64(v), lift-over)); over <= 0 || math.Abs(float64(less)) > 65504 || math.Abs(float64(2*less)) <= 65504 {
					t.Fatalf("%g times 2^%d: over by %d", v, lift, over)
				}
				continue
			}
			if over > 0 || math.Float32bits(got) != math.Float32bits(want) && v == v {
				t.Fatalf("%g times 2^%d is %g, over by %d; want %g", v, lift, got, over, want)
			}
			if lift == mostLift && v != 0 && math.Abs(float64(got)) < 0x1p-14 {
				t.Fatalf("%g stays subnormal", v)
			}
		}
	}
	binary.LittleEndian.PutUint16(b, float16.Fromfloat32(65504).Bits())
	if over := LiftHalves(b, 3); over != 3 {
		t.Errorf("the largest half: over by %d", over)
	}
}

// bf16 numbers times what BeyondHalves leaves are halves or smaller, and twice that is not; infinities and what is no number do not count.
func TestBeyondHalves(t *testing.T) {
	b := make([]byte, 6)
	binary.LittleEndian.PutUint16(b[2:], 0x7f80)
	binary.LittleEndian.PutUint16(b[4:], 0xffc0)
	for h := range 0x7f80 {
		v := float64(math.Float32frombits(uint32(h) << 16))
		binary.LittleEndian.PutUint16(b, uint16(h)|uint16(h&1)<<15)
		over := BeyondHalves(b, MatrixLift)
		if most := math.Ldexp(v, MatrixLift-over); most > 65504 || over > 0 && 2*most <= 65504 || over < 0 {
			t.Fatalf("%g: over by %d", v, over)
		}
	}
}
