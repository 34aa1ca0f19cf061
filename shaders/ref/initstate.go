package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// key is a row's key in one.
func key(r shaders.Row) uint64 { return uint64(r.KeyHi)<<32 | uint64(r.KeyLo) }

// normals is a normal value cut at 3 standard deviations, times the row's scale, for each of d columns.
func normals(r shaders.Row, d int, kind plain.Kind, which uint32) []float64 {
	y := make([]float64, d)
	plain.Normals(y, key(r), r.Pos, kind, which, plain.InitialCut, float64(r.Scale))
	return y
}

type initSize struct {
	d                int
	keep, cellsFirst bool
}

func (s initSize) String() string {
	name := fmt.Sprintf("d=%d", s.d)
	if s.keep {
		name += " kept"
	}
	if s.cellsFirst {
		name += " cells first"
	}
	return name
}

func initstateCases() []Case {
	var sizes []initSize
	for _, d := range []int{1, 3, 8, 255, 256, 257, 328, 5280} {
		sizes = append(sizes, initSize{d, false, false}, initSize{d, true, false}, initSize{d, false, true}, initSize{d, true, true})
	}
	return each(Case{Op: "initstate", Limit: 1e-10, Why: "a polynomial for erfinv good to 1e-7 and a logarithm of 3 ulp"}, sizes, initstateTrial)
}

// initRows start in every way, some with a share mixed in. Cells 1 and 4 have no row that starts anew.
func initRows() []shaders.Row {
	mixed := shaders.NoiseDraw(5, plain.NoiseChi)
	return []shaders.Row{
		{Cell: 7, Scale: 1}, {Cell: 0, Pos: 1, Scale: 1}, {Cell: 9, KeyLo: 0xDEADBEEF, KeyHi: 0xFFFFFFFF, Pos: 4095, Step: 9, Seq: 77, Scale: 0.0137633},
		{Cell: 3, Start: shaders.StartGiven, Scale: 1}, {Cell: 11, Start: shaders.StartCarried(2), Scale: 1}, {Cell: 2, KeyHi: 1, Pos: 1 << 31, Scale: 72.66},
		{Cell: 6, Start: shaders.StartCarried(0), Scale: 1}, {Cell: 5, Start: shaders.StartOwn, Scale: 1}, {Cell: 8, Start: shaders.StartCell(4), Scale: 1},
		{Cell: 10, Scale: 72.66, Mix: 0.25, Draw: mixed}, {Cell: 12, Start: shaders.StartGiven, Scale: 300, Mix: 0.5, Draw: mixed + 8},
		{Cell: 14, Start: shaders.StartOwn, Scale: 300, Mix: 0.125, Pos: 3, KeyLo: 5}, {Cell: 13, Start: shaders.StartCell(1), Scale: 300, Mix: 1, Draw: mixed},
	}
}

func initstateTrial(t *trial, s initSize) {
	const carried, cells = 3, 16
	d := s.d
	table := initRows()
	if s.cellsFirst { // of which one is mixed into by a row before
		table = append(table, shaders.Row{Cell: 15, Start: shaders.StartCell(14), Scale: 1})
	}
	rows, _ := t.rows(table, false)
	given, carry := t.drawn("given", heavy, len(table), d), t.drawn("carry", heavy, carried, d)
	state, older := t.inout("state", t.values("state", heavy, cells, d), d), t.inout("older", t.values("older", uniform, cells+2, d), d)
	want, wantOlder := plain.Widen(state.x), plain.Widen(older.x)
	for n, r := range table {
		var v []float64
		switch from := int(r.Start - shaders.StartCarried(0)); {
		case r.Start == shaders.StartDrawn:
			v = normals(r, d, plain.KindInitial, 0)
		case r.Start == shaders.StartGiven:
			v = plain.Widen(given.x[n*d:][:d])
		case r.Start == shaders.StartOwn:
			v = plain.Widen(state.x[int(r.Cell)*d:][:d])
		case from%2 == 0:
			v = plain.Widen(carry.x[from/2*d:][:d])
		default:
			v = plain.Widen(state.x[from/2*d:][:d])
		}
		if s.keep {
			copy(wantOlder[int(r.Cell)*d:], v)
		}
		copy(want[int(r.Cell)*d:], plain.Blend(v, normals(r, d, plain.KindMixed, r.Draw>>3), float64(r.Mix))) // another such draw mixed in
	}
	kept := shaders.Tensor{}
	if s.keep {
		kept = older.Tensor
	}
	t.check(func(r *shaders.Recorder) {
		r.InitState(state.Tensor, kept, given.Tensor, carry.Tensor, rows, s.cellsFirst)
	}, becomes(state, want), becomes(older, wantOlder))
}
