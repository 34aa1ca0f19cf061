package plain

import (
	"math"
	"testing"
)

// TestPhilox: the known answers published with the generator (Random123, kat_vectors, philox4x32 10).
func TestPhilox(t *testing.T) {
	const ones = 0xffffffff
	for _, c := range []struct {
		key           uint64
		counter, want [4]uint32
	}{
		{0, [4]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{math.MaxUint64, [4]uint32{ones, ones, ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{0x299f31d0a4093822, [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox(c.key, c.counter); got != c.want {
			t.Errorf("Philox(%#x, %#x) = %#x, want %#x", c.key, c.counter, got, c.want)
		}
	}
}

// A uniform number lies inside (0, 1).
func TestUniformEnds(t *testing.T) {
	if uniform(0) <= 0 || uniform(math.MaxUint32) >= 1 {
		t.Error("the ends 0 and 1 are reached")
	}
}

func TestDraw(t *testing.T) {
	probs := []float64{0, 0.25, 0, 0.25, 0.5, 0}
	for _, c := range []struct {
		u    float64
		want int
	}{{0, 1}, {0.2, 1}, {0.25, 3}, {0.49, 3}, {0.5, 4}, {0.999999, 4}, {1, 4}} {
		if got := Draw(probs, c.u); got != c.want {
			t.Errorf("Draw(%v, %g) = %d, want %d", probs, c.u, got, c.want)
		}
	}
	if got := Draw([]float64{0, 0}, 0.5); got != -1 {
		t.Errorf("Draw of nothing = %d, want -1", got)
	}
}
