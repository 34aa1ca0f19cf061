package shaders

import "testing"

// Positions lie one behind the other as far as their pages do.
func TestPageRuns(t *testing.T) {
	p := Pages{Table: []uint32{9, 9, 4, 5, 6, 2}, PerSequence: 4, Sequences: 1}
	for _, c := range []struct{ pos, n, cell, k int }{
		{0, 1, 128, 1}, {0, 32, 128, 32}, {5, 27, 133, 27}, {5, 28, 133, 28}, {5, 500, 133, 91}, {95, 2, 6*32 + 31, 1}, {96, 32, 64, 32},
	} {
		if cell, k := p.run(2, c.pos, c.n); cell != c.cell || k != c.k {
			t.Errorf("%d positions from %d on: %d from cell %d on, want %d from %d", c.n, c.pos, k, cell, c.k, c.cell)
		}
	}
}
