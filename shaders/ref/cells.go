package ref

import (
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// cellTable are n rows whose cells come in another order than the rows, among more cells than there are rows.
type cellTable struct {
	table []shaders.Row
	cells int // of them all
}

func newCellTable(n int, name string) cellTable {
	s := cellTable{table: make([]shaders.Row, n), cells: n + 3}
	order := rand.New(rand.NewPCG(seed("slots", name), 1)).Perm(s.cells)
	for i := range s.table {
		k := uint32(i)
		s.table[i] = shaders.Row{Token: k + 7, Base: 100 * k, Pos: 3 * k, Step: k * k, KeyLo: ^k, KeyHi: k << 20, Scale: float32(k) / 3, Cell: uint32(order[i])}
	}
	return s
}

// scatter puts row n of x (n, d) into its cell of dst (cells, d), a copy of which it returns.
func (s cellTable) scatter(dst, x []float32, d int) []float32 {
	y := slices.Clone(dst)
	for n, r := range s.table {
		copy(y[int(r.Cell)*d:][:d], x[n*d:][:d])
	}
	return y
}

// scattered is scatter of what an oracle found.
func (s cellTable) scattered(dst []float32, x []float64, d int) []float64 {
	y := plain.Widen(dst)
	for n, r := range s.table {
		copy(y[int(r.Cell)*d:][:d], x[n*d:][:d])
	}
	return y
}

// filler is what cells hold that no row has: reading it shows.
func filler(n int) []float32 { return slices.Repeat([]float32{math.Float32frombits(nanWord)}, n) }
