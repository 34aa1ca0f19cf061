package shaders

import (
	"testing"

	"muninn/shaders/format"
	"muninn/vk"
)

// However many rows a pass has, few kernels serve them all. Up to 16 rows, which is where GPUs stop, the weights are read as few
// times as can be; from 50 rows on an eighth is computed in vain at most.
func TestNumbersOfRowsShareKernels(t *testing.T) {
	for _, cut := range []Tuning{{WeightRows: 16, XRows: 16}, {WeightRows: 4, XRows: 8}} {
		kernels := map[int]bool{}
		for n := 1; n <= 300; n++ {
			xs := cut.xRows(cut.GEMV("matmul", format.F16, 64, 64, false), n, false)
			tiles := (n + xs - 1) / xs
			kernels[xs] = true
			if xs > cut.XRows || n <= 16 && tiles != (n+cut.XRows-1)/cut.XRows {
				t.Errorf("%d rows in %d tiles of %d", n, tiles, xs)
			}
			if n >= 50 && 8*(tiles*xs-n) > n {
				t.Errorf("%d rows in tiles of %d: %d computed in vain", n, xs, tiles*xs-n)
			}
		}
		if len(kernels) > 7 {
			t.Errorf("%d kernels for tiles up to %d rows", len(kernels), cut.XRows)
		}
	}
}

// Small models take two kernels a product, of few results each, whatever was measured for large ones.
func TestSmallModelsShareKernels(t *testing.T) {
	of := Product{Op: "matmul", Format: format.BF16}
	for _, c := range []vk.Caps{{Type: "discrete", SubgroupSize: 32}, {Type: "cpu", SubgroupSize: 8, MaxTexels: 1 << 30}} {
		small := Tune(c, c.SubgroupSize, Options{Small: true, Measured: Measured{GEMVs: []MeasuredGEMV{{of, GEMV{1, 1, 16, 16, 1}, "large"}}}})
		g, kernels := small.GEMV(of.Op, of.Format, 64, 64, false), map[int]bool{}
		for n := 1; n <= 300; n++ {
			kernels[small.xRows(g, n, false)] = true
		}
		if len(kernels) > 2 || g.WeightRows*g.XRows > 16 {
			t.Errorf("%s: kernels for %v rows of x, %+v", c.Type, kernels, g)
		}
	}
}
