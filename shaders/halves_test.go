package shaders

import (
	"testing"

	"muninn/shaders/format"
	"muninn/vk"
)

// Tiles for every size of matrices that drivers list come out whole: as many rows as is meant, both parts of a swiglu in each subgroup, no
// more shared memory and lanes than every device has.
func TestMatrixTiles(t *testing.T) {
	for _, m := range []vk.Matrix{{M: 16, N: 16, K: 16}, {M: 16, N: 8, K: 16}, {M: 16, N: 8, K: 8}, {M: 8, N: 16, K: 16}, {M: 8, N: 8, K: 16}, {M: 8, N: 8, K: 8}, {M: 8, N: 8, K: 32}} {
		for _, subgroup := range []uint32{8, 16, 32, 64} {
			for _, n := range []int{17, 32, 33, 64, 65, 512} {
				for i := range 4 {
					parts, f := 1+i%2, []format.Type{format.Q4_0, format.Q8_0}[i/2]
					c := gpu
					c.Matrices = []vk.Matrix{m}
					tuned := Tune(c, subgroup, Options{})
					if tuned.MatrixUnits != (m.M*m.N <= 8*subgroup) {
						t.Errorf("%+v of %d: %v", m, subgroup, tuned.MatrixUnits)
					}
					if !tuned.MatrixUnits {
						continue
					}
					tile := tuned.matrixTile(n, parts, f)
					lines := int(tile.depth/8 + 1)
					weights, sums := 2*tile.weightRows()*lines*16, int(tile.gm*tile.gn)*parts*int(m.M*m.N)*4
					if shared := weights + 2*tile.xRows()*lines*16; shared > 32<<10 || sums > weights {
						t.Errorf("%+v of %d, %d rows, %d parts, %s: %d bytes of shared memory, %d for weights, of which sums take %d", m, subgroup, n, parts, f, shared, weights, sums)
					}
					if x, w := tile.xRows(), tile.weightRows(); x < min(n, 64) && x != 32 || x > 64 || w != 64 && w != 128 || int(tile.cn)%parts != 0 || tile.cm == 0 ||
						tile.depth%m.K != 0 || f == format.Q4_0 && tile.depth%32 != 0 || tile.spec()[0] > 512 {
						t.Errorf("%+v of %d, %d rows, %d parts, %s: %+v", m, subgroup, n, parts, f, tile)
					}
				}
			}
		}
	}
}

// Where a device has both, more rows than GEMV takes go on matrix units, in halves, and not as int8: a kernel reads one of them.
func TestMatrixUnitsBeforeInt8(t *testing.T) {
	c := gpu
	c.Matrices = []vk.Matrix{{M: 16, N: 16, K: 16}}
	for _, f := range []format.Type{format.Q8_0, format.Q4_0} {
		both, dots := Tune(c, 32, Options{}), Tune(gpu, 32, Options{})
		if n := both.GEMVRows; !both.CanInt8(f, n) || both.OnMatrixUnits(f, n) || both.CanInt8(f, n+1) || !both.OnMatrixUnits(f, n+1) || !dots.CanInt8(f, n+1) {
			t.Errorf("%s: int8 for %d rows %v, for more %v, and %v without matrix units", f, n, both.CanInt8(f, n), both.CanInt8(f, n+1), dots.CanInt8(f, n+1))
		}
	}
}
