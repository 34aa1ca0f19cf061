package weights

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"muninn/model/checkpoint"
	"muninn/shaders"
	"muninn/shaders/format"
)

// A row comes into the planes with the values that its blocks have, and zeros between and behind its runs, whatever it is
// stored as.
func TestSplitRow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, to := range []format.Type{format.Q8_0, format.Q4_0} {
		for _, stored := range []format.Type{format.F32, format.BF16, format.Q8_0, format.Q4_0} {
			for name, layout := range map[string]struct {
				cols int
				rowLayout
			}{
				"whole blocks":    {96, wholeRow(96)},
				"a broken block":  {120, wholeRow(120)},
				"two halves":      {192, twoHalves(96)},
				"two broken ones": {96, twoHalves(48)},
				"a short row":     {5, wholeRow(5)},
				"a long row":      {5280, wholeRow(5280)},
			} {
				if block, _ := stored.Block(); layout.cols%block != 0 {
					continue
				}
				values := make([]float32, layout.cols)
				for i := range values {
					values[i] = float32(r.NormFloat64())
				}
				info := checkpoint.TensorInfo{Name: "w", DType: stored}
				src := make([]byte, stored.Bytes(int64(len(values))))
				if err := info.Encode(src, stored, values, 0); err != nil {
					t.Fatal(err)
				}
				stored.Decode(values, src)
				m := shaders.Matrix{Rows: 1, Cols: layout.rowLayout.cols, Format: to}
				quants, scales := make([]byte, m.RowBytes()), make([]byte, m.ScaleRowBytes())
				for i := range quants {
					quants[i] = 0xaa
				}
				for i := range scales {
					scales[i] = 0xaa
				}
				f := &filler{info: info, to: to, srcCols: layout.cols, stride: to.Padded(m.Cols), runs: layout.runs}
				var scratch rowScratch
				if err := scratch.split(f, src, 0, quants, scales); err != nil {
					t.Fatal(err)
				}
				got := joined(to, quants, scales)
				want := make([]float32, len(got))
				for _, run := range layout.runs {
					part := make([]float32, (run.n+format.Block-1)/format.Block*format.Block)
					copy(part, values[run.src:][:run.n])
					b := make([]byte, to.Bytes(int64(len(part))))
					if err := info.Encode(b, to, part, 0); err != nil {
						t.Fatal(err)
					}
					if stored == to && run.n%format.Block == 0 && run.src%format.Block == 0 {
						b = src[to.Bytes(int64(run.src)):] // as it is stored
					}
					to.Decode(part, b)
					copy(want[run.dst:], part[:run.n])
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%s from %s, %s: element %d is %g, want %g", to, stored, name, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// joined reads the planes of a row back.
func joined(d format.Type, quants, scales []byte) []float32 {
	_, bytes := d.Block()
	n := len(scales) / 2
	v := make([]float32, n*format.Block)
	for i := range n {
		block := append(append([]byte{}, scales[2*i:2*i+2]...), quants[(bytes-2)*i:(bytes-2)*(i+1)]...)
		if binary.LittleEndian.Uint16(block) == 0 {
			continue
		}
		d.Decode(v[i*format.Block:(i+1)*format.Block], block)
	}
	return v
}
