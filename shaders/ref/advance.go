package ref

import (
	"encoding/binary"

	"muninn/shaders"
)

// Advance is state = rms(a + x) weight, and every row of the table one step further.
func Advance(a, x, weight []float32, eps float32, table []shaders.Row) (state []float64, next []shaders.Row) {
	for _, r := range table {
		r.Step++
		next = append(next, r)
	}
	return AddNorm(a, x, weight, eps), next
}

func advanceCases() []Case {
	return normCases("advance", 3, func(t *trial, s normSize) {
		av, xv := addends("advance", s)
		weight := normWeights(s.String(), s.d)
		var table []shaders.Row
		for n := range uint32(s.n) {
			table = append(table, shaders.Row{Token: n + 7, Base: 100 * n, Pos: 3 * n, Step: n * n, KeyLo: ^n, KeyHi: n << 20, Scale: float32(n) / 3})
		}
		a, x, w := t.input("a", av, s.n, s.d), t.input("x", xv, s.n, s.d), t.floats("weight", weight)
		rows, raw := t.rows(table, true)
		state := t.output("state", s.n, s.d)
		want, next := Advance(av, xv, weight, normEps, table)
		t.check(func(r *shaders.Recorder) { r.Advance(state.Tensor, x.Tensor, a.Tensor, w, normEps, rows) },
			func(v *verdict) {
				v.tensor(state, untouchedPadding, want)
				v.rowTable(raw, next)
			})
	})
}

// rowTable compares a row table bit for bit.
func (v *verdict) rowTable(o *operand, want []shaders.Row) {
	for i, w := range want {
		var got shaders.Row
		if _, err := binary.Decode(o.values()[i*shaders.RowBytes:], binary.LittleEndian, &got); err != nil {
			v.fail("row %d: %v", i, err)
		} else if got != w {
			v.fail("row %d of the table is %+v, want %+v", i, got, w)
		}
	}
}
