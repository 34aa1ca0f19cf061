package ref

import (
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

func (t *trial) cellTable(n int) cellTable {
	s := cellTable{table: make([]shaders.Row, n), cells: n + 3}
	order := rand.New(rand.NewPCG(seed(t.c.Op, t.c.Name, "cells"), 1)).Perm(s.cells)
	for i := range s.table {
		k := uint32(i)
		s.table[i] = shaders.Row{Token: k + 7, Base: 100 * k, Pos: 3 * k, Step: k * k, KeyLo: ^k, KeyHi: k << 20, Scale: float32(k) / 3, Cell: uint32(order[i])}
	}
	return s
}

// scattered is dst (cells, d) with row n of x (n, d) in the cell of row n of the table.
func scattered[F plain.Float](dst, x []F, table []shaders.Row, d int) []F {
	y := slices.Clone(dst)
	for n, r := range table {
		copy(y[int(r.Cell)*d:][:d], x[n*d:][:d])
	}
	return y
}
