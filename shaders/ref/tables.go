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
	order := rand.New(rand.NewPCG(seed("slots", t.c.size), 1)).Perm(s.cells)
	for i := range s.table {
		k := uint32(i)
		s.table[i] = shaders.Row{Token: k + 7, Seq: 100 * k, Pos: 3 * k, Step: k * k, KeyLo: ^k, KeyHi: k << 20, Scale: float32(k) / 3, Cell: uint32(order[i])}
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

// groups is a group table on the device.
type groups struct {
	shaders.Groups
	progress, change, values *operand
}

// groups are groups whose rows have so many cells, with room for values of so many checks. Only Progress, Change and Values
// may be written.
func (t *trial) groups(rules []shaders.ExitRule, progress []shaders.Progress, cells, checks int) groups {
	r := t.buffer("rules", packed(rules, shaders.RuleBytes), false)
	g := groups{progress: t.buffer("progress", packed(progress, shaders.ProgressBytes), true),
		change: t.blank("change", cells*shaders.ChangeBytes), values: t.blank("values", max(4*len(rules)*checks, 4))}
	g.Groups = shaders.Groups{Rules: r.data, Progress: g.progress.data, Change: g.change.data, Values: g.values.data, N: len(rules), Checks: checks}
	return g
}

// progressAt is entry i of a table of progress.
func progressAt(o *operand, i int) shaders.Progress {
	return shaders.DecodeProgress(o.values()[i*shaders.ProgressBytes:])
}
