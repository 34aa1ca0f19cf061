package quant

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"muninn/shaders/format"
)

func TestQ4HoldsItsGrid(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 4000 {
		var x, back [format.Block]float32
		_, d := half(float32(math.Exp2(r.Float64()*30-20)) * float32(1-2*(n&1)))
		for i := range x {
			x[i] = d * float32(r.IntN(16)-8)
		}
		x[r.IntN(format.Block)] = d * -8
		var b [q4Bytes]byte
		if err := EncodeQ4(b[:], x[:]); err != nil {
			t.Fatal(err)
		}
		if format.Q4_0.Decode(back[:], b[:]); back != x {
			t.Fatalf("scale %g: %v came back as %v", d, x, back)
		}
		var wide [q8Bytes]byte
		if err := EncodeQ8(wide[:], x[:]); err != nil {
			t.Fatal(err)
		}
		if format.Q8_0.Decode(back[:], wide[:]); back != x {
			t.Fatalf("scale %g, in 8 bits: %v came back as %v", d, x, back)
		}
		// What came out of blocks goes into the same blocks: quantizing twice changes nothing.
		var again [q4Bytes]byte
		if err := EncodeQ4(again[:], back[:]); err != nil || again != b {
			t.Fatalf("quantized twice: %x, then %x, %v", b, again, err)
		}
	}
}

func TestQ8HoldsItsGrid(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 4000 {
		var x, back [format.Block]float32
		_, d := half(float32(math.Exp2(r.Float64()*27 - 20)))
		for i := range x {
			x[i] = d * float32(r.IntN(255)-127)
		}
		x[r.IntN(format.Block)] = d * 127 * float32(1-2*(n&1))
		var b [q8Bytes]byte
		if err := EncodeQ8(b[:], x[:]); err != nil {
			t.Fatal(err)
		}
		if format.Q8_0.Decode(back[:], b[:]); back != x {
			t.Fatalf("scale %g: %v came back as %v", d, x, back)
		}
	}
}

// The layout is ggml's, byte by byte: other programs read these blocks.
func TestLayout(t *testing.T) {
	var x [format.Block]float32
	for i := range x {
		x[i] = 0.5 * float32(i%16-8)
	}
	x[17] = 3.5
	var q4 [q4Bytes]byte
	if err := EncodeQ4(q4[:], x[:]); err != nil {
		t.Fatal(err)
	}
	want := []byte{0x00, 0x38} // 0.5
	for j := range 16 {
		want = append(want, byte(j|j<<4))
	}
	want[2+1] = 1 | 15<<4
	if !bytes.Equal(q4[:], want) {
		t.Errorf("q4_0 %x, want %x", q4, want)
	}
	for i := range x {
		x[i] = 0.25 * float32(8*i-127)
	}
	var q8 [q8Bytes]byte
	if err := EncodeQ8(q8[:], x[:]); err != nil {
		t.Fatal(err)
	}
	want = []byte{0x00, 0x34} // 0.25
	for i := range 32 {
		want = append(want, byte(8*i-127))
	}
	if !bytes.Equal(q8[:], want) {
		t.Errorf("q8_0 %x, want %x", q8, want)
	}
}

// Any finite weights come back within the step of their block, and never worse than by plain rounding.
func TestErrorBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 3000 {
		var x, y [format.Block]float32
		scale := math.Exp2(r.Float64()*40 - 26)
		for i := range x {
			x[i] = float32(scale * student(r))
		}
		if n%5 == 0 {
			clear(x[1:])
		}
		if n == 0 {
			clear(x[:])
		}
		most := float64(abs(peak(&x)))
		var q8 [q8Bytes]byte
		if err := EncodeQ8(q8[:], x[:]); err != nil {
			t.Fatal(err)
		}
		if err := Check(format.Q8_0, q8[:]); err != nil {
			t.Fatal(err)
		}
		format.Q8_0.Decode(y[:], q8[:])
		for i := range x {
			// Half a step, the rounding of the scale, and below its smallest normal number the steps of half precision itself.
			if d := math.Abs(float64(x[i] - y[i])); d > most*(0.5/127+1.0/2048)+127*0x1p-25 {
				t.Fatalf("q8_0: %g came back as %g, largest %g", x[i], y[i], most)
			}
		}
		var q4 [q4Bytes]byte
		if err := EncodeQ4(q4[:], x[:]); err != nil {
			t.Fatal(err)
		}
		if err := Check(format.Q4_0, q4[:]); err != nil {
			t.Fatal(err)
		}
		format.Q4_0.Decode(y[:], q4[:])
		z := x
		_, d := half(peak(&x) / -8)
		atScale(&z, d)
		var e, plain float64
		for i := range x {
			e += math.Pow(float64(x[i]-y[i]), 2)
			plain += math.Pow(float64(x[i]-z[i]), 2)
		}
		if e > plain*(1+1e-5) {
			t.Fatalf("q4_0: squared error %g, plain rounding has %g: %v", e, plain, x)
		}
	}
}

func TestRefused(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, bad := range []float32{inf, -inf, float32(math.NaN()), 1e7} {
		x := make([]float32, 3*format.Block)
		x[70] = bad
		for name, err := range map[string]error{"q4_0": EncodeQ4(make([]byte, 3*q4Bytes), x), "q8_0": EncodeQ8(make([]byte, 3*q8Bytes), x)} {
			var at *ValueError
			if bad == 1e7 && name == "q8_0" {
				if err == nil {
					t.Errorf("%s took %g", name, bad)
				}
				continue
			}
			if !errors.As(err, &at) || at.Index != 70 {
				t.Errorf("%s of %g: %v", name, bad, err)
			}
		}
	}
	x := make([]float32, format.Block)
	x[3] = -maxHalf * 8
	if err := EncodeQ4(make([]byte, q4Bytes), x); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		quant format.Type
		at    int
		value byte
	}{
		"q8_0, infinite scale": {format.Q8_0, 1, 0x7c}, "q8_0, NaN scale": {format.Q8_0, 1, 0xfe},
		"q8_0, -128": {format.Q8_0, 9, 0x80}, "q4_0, infinite scale": {format.Q4_0, 1, 0xfc},
	} {
		_, bytes := c.quant.Block()
		b := make([]byte, 2*bytes)
		if err := Check(c.quant, b); err != nil {
			t.Errorf("%s: zeros: %v", name, err)
		}
		b[bytes+c.at] = c.value
		var at *BlockError
		if err := Check(c.quant, b); !errors.As(err, &at) || at.Index != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	x, b, c := make([]float32, 64*format.Block), make([]byte, 64*q4Bytes), make([]byte, 64*q8Bytes)
	r := rand.New(rand.NewPCG(7, 8))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	if n := testing.AllocsPerRun(10, func() {
		if EncodeQ4(b, x) != nil || EncodeQ8(c, x) != nil {
			t.Fatal("refused")
		}
		format.Q4_0.Decode(x, b)
		format.Q8_0.Decode(x, c)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	x := make([]float32, 1<<16)
	r := rand.New(rand.NewPCG(9, 10))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for _, f := range []struct {
		name   string
		bytes  int
		encode func([]byte, []float32) error
	}{{"q8_0", q8Bytes, EncodeQ8}, {"q4_0", q4Bytes, EncodeQ4}} {
		dst := make([]byte, len(x)/format.Block*f.bytes)
		b.Run(f.name, func(b *testing.B) {
			for b.Loop() {
				if err := f.encode(dst, x); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(x)*b.N)/b.Elapsed().Seconds()/1e6, "Mweights/s")
		})
	}
}
