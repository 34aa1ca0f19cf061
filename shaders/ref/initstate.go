package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// key is a row's key in one.
func key(r shaders.Row) uint64 { return uint64(r.KeyHi)<<32 | uint64(r.KeyLo) }

// InitState is a normal value cut at 3 standard deviations, times the row's scale, for each of d columns.
func InitState(r shaders.Row, d int) []float64 { return cutNormals(r, d, plain.KindInitial, 0) }

func cutNormals(r shaders.Row, d int, kind plain.Kind, which uint32) []float64 {
	y := make([]float64, d)
	plain.Normals(y, key(r), r.Pos, kind, which, plain.InitialCut, float64(r.Scale))
	return y
}

// MixState is v with the row's share of another such draw mixed in.
func MixState(r shaders.Row, v []float64) []float64 {
	return plain.Blend(v, cutNormals(r, len(v), plain.KindMixed, r.Draw>>3), float64(r.Mix))
}

func initstateCases() []Case {
	var list []Case
	for _, d := range []int{1, 3, 8, 255, 256, 257, 328, 5280} {
		for i := range 4 {
			keep, cellsFirst := i%2 == 1, i/2 == 1
			name := fmt.Sprintf("d=%d", d)
			if keep {
				name += " kept"
			}
			if cellsFirst {
				name += " cells first"
			}
			list = append(list, Case{Op: "initstate", Name: name, Limit: 1e-10,
				Why: "a polynomial for erfinv good to 1e-7 and a logarithm of 3 ulp", run: func(t *trial) { initstateTrial(t, d, keep, cellsFirst) }})
		}
	}
	return list
}

// initRows start in every way, some with a share mixed in. Cells 1 and 4 have no row that starts anew.
func initRows() []shaders.Row {
	mixed := shaders.NoiseDraw(5, plain.NoiseChi)
	return []shaders.Row{
		{Cell: 7, Scale: 1}, {Cell: 0, Pos: 1, Scale: 1}, {Cell: 9, KeyLo: 0xDEADBEEF, KeyHi: 0xFFFFFFFF, Pos: 4095, Step: 9, Base: 77, Scale: 0.0137633},
		{Cell: 3, Start: shaders.StartGiven, Scale: 1}, {Cell: 11, Start: shaders.StartCarried(2), Scale: 1}, {Cell: 2, KeyHi: 1, Pos: 1 << 31, Scale: 72.66},
		{Cell: 6, Start: shaders.StartCarried(0), Scale: 1}, {Cell: 5, Start: shaders.StartOwn, Scale: 1}, {Cell: 8, Start: shaders.StartCell(4), Scale: 1},
		{Cell: 10, Scale: 72.66, Mix: 0.25, Draw: mixed}, {Cell: 12, Start: shaders.StartGiven, Scale: 300, Mix: 0.5, Draw: mixed + 8},
		{Cell: 14, Start: shaders.StartOwn, Scale: 300, Mix: 0.125, Pos: 3, KeyLo: 5}, {Cell: 13, Start: shaders.StartCell(1), Scale: 300, Mix: 1, Draw: mixed},
	}
}

func initstateTrial(t *trial, d int, keep, cellsFirst bool) {
	const carried, cells = 3, 16
	table := initRows()
	if cellsFirst { // of which one is mixed into by a row before
		table = append(table, shaders.Row{Cell: 15, Start: shaders.StartCell(14), Scale: 1})
	}
	givenValues := source{seed("given"), heavy, format.F32, d}.all(len(table))
	carryValues := source{seed("carry"), heavy, format.F32, d}.all(carried)
	before, olderBefore := source{seed("state"), heavy, format.F32, d}.all(cells), source{seed("older"), uniform, format.F32, d}.all(cells+2)
	rows, _ := t.rows(table, false)
	given, carry := t.input("given", givenValues, len(table), d), t.input("carry", carryValues, carried, d)
	state := t.inout("state", before, cells, d)
	var older tensor
	if keep {
		older = t.inout("older", olderBefore, cells+2, d)
	}
	want, wantOlder := plain.Widen(before), plain.Widen(olderBefore)
	for n, r := range table {
		var v []float64
		switch from := int(r.Start - shaders.StartCarried(0)); {
		case r.Start == shaders.StartDrawn:
			v = InitState(r, d)
		case r.Start == shaders.StartGiven:
			v = plain.Widen(givenValues[n*d:][:d])
		case r.Start == shaders.StartOwn:
			v = plain.Widen(before[int(r.Cell)*d:][:d])
		case from%2 == 0:
			v = plain.Widen(carryValues[from/2*d:][:d])
		default:
			v = plain.Widen(before[from/2*d:][:d])
		}
		copy(wantOlder[int(r.Cell)*d:], v)
		copy(want[int(r.Cell)*d:], MixState(r, v))
	}
	t.check(func(r *shaders.Recorder) {
		r.InitState(state.Tensor, older.Tensor, given.Tensor, carry.Tensor, rows, cellsFirst)
	},
		func(v *verdict) {
			v.tensor(state, untouchedPadding, want)
			if keep {
				v.tensor(older, untouchedPadding, wantOlder)
			}
		})
}
