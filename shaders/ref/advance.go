package ref

import (
	"encoding/binary"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Due tells whether the core step after so many taken ones is checked by a rule.
func Due(r shaders.ExitRule, taken uint32) bool {
	return r.Criterion != 0 && taken >= r.MinSteps && (taken-r.MinSteps)%max(r.Every, 1) == 0
}

// sums are a change as the device lays it out.
func sums(c plain.Change) []float64 { return []float64{c.Now, c.Before, c.Both, c.First, c.Second} }

func advanceCases() []Case { return normCases("advance", 3, advanceTrial) }

// checkGroups are a group without a rule, one at its first check, one at a later check, one between checks, and one before them.
func checkGroups() ([]shaders.ExitRule, []shaders.Progress) {
	return []shaders.ExitRule{{Steps: 9}, {Steps: 9, Criterion: 1}, {Steps: 9, Criterion: 2, MinSteps: 2, Every: 4},
			{Steps: 9, Criterion: 1, MinSteps: 2, Every: 4}, {Steps: 9, Criterion: 1, MinSteps: 5}},
		[]shaders.Progress{{Taken: 3}, {}, {Taken: 6, Checks: 1}, {Taken: 5, Checks: 1}, {Taken: 4}}
}

func advanceTrial(t *trial, s normSize) {
	av, xv := addends("advance", s)
	weight := normWeights(s.String(), s.d)
	in := newCellTable(s.n, s.String())
	rules, progress := checkGroups()
	for n := range in.table {
		in.table[n].Group = uint32((n + s.d) % len(rules))
	}
	// Cells that no row has stay as they are.
	stateBefore := source{seed("state", s.String()), uniform, format.F32, s.d}.all(in.cells)
	olderBefore := source{seed("older", s.String()), uniform, format.F32, s.d}.all(2 * in.cells)
	a, x, w := t.input("a", av, s.n, s.d), t.input("x", xv, s.n, s.d), t.floats("weight", weight)
	rows, raw := t.rows(in.table, true)
	state, older := t.inout("state", stateBefore, in.cells, s.d), t.inout("older", olderBefore, 2*in.cells, s.d)
	groups := t.groups(rules, progress, in.cells, 0)

	want, next := plain.AddNorm(av, xv, weight, normEps), slices.Clone(in.table)
	for n := range next {
		next[n].Step++
	}
	wantOlder := plain.Widen(olderBefore)
	change, size, checked := make([]float64, 5*in.cells), make([]float64, 5*in.cells), make([]bool, in.cells)
	for n, r := range in.table {
		p := progress[r.Group]
		if !Due(rules[r.Group], p.Taken) {
			continue
		}
		now, last, before := want[n*s.d:][:s.d], wantOlder[int(r.Cell)*s.d:][:s.d], wantOlder[(in.cells+int(r.Cell))*s.d:][:s.d]
		if p.Checks == 0 {
			copy(before, last) // there was none before
		}
		c, z := plain.Changed(now, last, before)
		copy(before, last)
		copy(last, now)
		copy(change[5*r.Cell:], sums(c))
		copy(size[5*r.Cell:], sums(z))
		checked[r.Cell] = true
	}
	t.check(func(r *shaders.Recorder) {
		r.Advance(state.Tensor, older.Tensor, x.Tensor, a.Tensor, w, normEps, rows, groups.Groups)
	}, func(v *verdict) {
		v.tensor(state, untouchedPadding, in.scattered(stateBefore, want, s.d))
		v.tensor(older, untouchedPadding, wantOlder)
		v.rowTable(raw, next)
		for cell, yes := range checked {
			at := cell * shaders.ChangeBytes
			got := groups.change.values()[at:][:shaders.ChangeBytes]
			if !yes {
				if !slices.Equal(got, groups.change.start[groups.change.lo+at:][:shaders.ChangeBytes]) {
					v.fail("the change of cell %d was written, and no check was due", cell)
				}
				continue
			}
			v.sums("change", floatsOf(got), reference{change[5*cell:][:5], size[5*cell:][:5]})
		}
	})
}

// sums compares values of their own sizes.
func (v *verdict) sums(name string, got []float32, want reference) {
	v.add(name, compare(got, want, 1, v.limit))
}

// rowTable compares a row table bit for bit.
func (v *verdict) rowTable(o *operand, want []shaders.Row) {
	for i, w := range want {
		if got := rowAt(o.values(), i); got != w {
			v.fail("row %d of the table is %+v, want %+v", i, got, w)
		}
	}
}

func rowAt(b []byte, i int) (r shaders.Row) {
	_, _ = binary.Decode(b[i*shaders.RowBytes:], binary.LittleEndian, &r) // fixed-size fields cannot fail
	return r
}
