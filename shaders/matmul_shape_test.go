package shaders

import "testing"

// However many rows a pass has, few kernels serve them all, each wide enough, and none wastes more than a third.
func TestNumbersOfRowsShareKernels(t *testing.T) {
	for _, cut := range []Tuning{{WeightRows: 16, XRows: 16}, {WeightRows: 4, XRows: 8}} {
		k := &Recorder{k: &Kernels{Tuning: cut}}
		kernels := map[int]bool{}
		for n := 1; n <= 300; n++ {
			_, xs := k.asVectors(Tensor{Rows: n})
			tiles := (n + xs - 1) / xs
			kernels[xs] = true
			if xs > cut.XRows || tiles != (n+cut.XRows-1)/cut.XRows {
				t.Errorf("%d rows in %d tiles of %d", n, tiles, xs)
			}
			if least := (n + tiles - 1) / tiles; 3*xs > 4*least+2 {
				t.Errorf("%d rows in tiles of %d, %d would do", n, xs, least)
			}
		}
		if len(kernels) > 7 {
			t.Errorf("%d kernels for tiles up to %d rows", len(kernels), cut.XRows)
		}
	}
}
