package format

import (
	"math"
	"slices"
	"testing"
)

func TestBF16Rounding(t *testing.T) {
	for bits, want := range map[uint32]uint16{
		0x3f800000: 0x3f80, // 1
		0x3f807fff: 0x3f80, // just below the middle
		0x3f808000: 0x3f80, // the middle goes to the even neighbour below
		0x3f808001: 0x3f81,
		0x3f818000: 0x3f82, // the middle goes to the even neighbour above
		0xbf818000: 0xbf82,
		0x7f7fffff: 0x7f80, // the largest number becomes infinite
		0x7f800000: 0x7f80,
		0xff800000: 0xff80,
		0x00000001: 0x0000,
		0x80000000: 0x8000,
		0x7fffffff: 0x7fff, // a NaN that a carry would turn into -0
		0x7f800001: 0x7fc0, // a NaN whose payload is all in the lost bits
	} {
		if got := F32ToBF16(math.Float32frombits(bits)); got != want {
			t.Errorf("%#08x rounds to %#04x, want %#04x", bits, got, want)
		}
	}
}

// Every 16-bit pattern that is a number survives widening and narrowing.
func TestNarrowTypesRoundTrip(t *testing.T) {
	for bits := range 1 << 16 {
		b := uint16(bits)
		if v := BF16ToF32(b); v == v && F32ToBF16(v) != b {
			t.Fatalf("bf16 %#04x -> %v -> %#04x", b, v, F32ToBF16(v))
		}
		if v := F16ToF32(b); v == v && F32ToF16(v) != b {
			t.Fatalf("f16 %#04x -> %v -> %#04x", b, v, F32ToF16(v))
		}
	}
	for v, want := range map[float32]uint16{1: 0x3c00, 2049: 0x6800, 2051: 0x6802, 65504: 0x7bff, 65520: 0x7c00, 5.9604645e-8: 1} {
		if got := F32ToF16(v); got != want {
			t.Errorf("%v -> f16 %#04x, want %#04x", v, got, want)
		}
	}
}

func TestEncodeDecode(t *testing.T) {
	values := []float32{0, 1, -2.5, 0.15625, 1024, float32(math.Inf(-1))} // exact in all three types
	for _, d := range []Type{F32, F16, BF16} {
		raw, back := make([]byte, len(values)*d.Size()), make([]float32, len(values))
		d.Encode(raw, values)
		d.Decode(back, raw)
		if !slices.Equal(back, values) {
			t.Errorf("%s: %v", d, back)
		}
	}
	if Type("I32").Size() != 0 {
		t.Error("an integer type has a size")
	}
}

// Names, GGUF numbers and sizes lead back to the type, and what is no weight format keeps its name.
func TestNames(t *testing.T) {
	for _, f := range Types() {
		elements, bytes := f.Block()
		if !f.Known() || InFile(f.FileName()) != f || FromGGUF(f.GGUF()) != f {
			t.Errorf("%s: %q in a file is %s, %d is %s", f, f.FileName(), InFile(f.FileName()), f.GGUF(), FromGGUF(f.GGUF()))
		}
		if f.Bytes(int64(64*elements)) != int64(64*bytes) || f.Elements(int64(3*bytes)) != int64(3*elements) || f.Blocked() != (f.Size() == 0) {
			t.Errorf("%s: blocks of %d in %d bytes", f, elements, bytes)
		}
	}
	if InFile("Q5_K").Known() || FromGGUF(12) != "type 12" || FromGGUF(12).Known() || InFile("I32").Known() || InFile("I32").Elements(8) != 0 {
		t.Error("unknown types pass")
	}
}
