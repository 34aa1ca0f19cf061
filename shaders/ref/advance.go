package ref

import (
	"encoding/binary"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// due tells whether the core step after so many taken ones is checked by a rule.
func due(r shaders.ExitRule, taken uint32) bool {
	return r.Criterion != 0 && taken >= r.MinSteps && (taken-r.MinSteps)%max(r.Every, 1) == 0
}

// sums are a change as the device lays it out.
func sums(c plain.Change) []float64 { return []float64{c.Now, c.Before, c.Both, c.First, c.Second} }

func advanceCases() []Case {
	return each(Case{Op: "advance", Limit: normLimit, Why: normWhy}, normSizes(3), advanceTrial)
}

// checkGroups are a group without a rule, one at its first check, one at a later check, one between checks, and one before them.
func checkGroups() ([]shaders.ExitRule, []shaders.Progress) {
	return []shaders.ExitRule{{Steps: 9}, {Steps: 9, Criterion: 1}, {Steps: 9, Criterion: 2, MinSteps: 2, Every: 4},
			{Steps: 9, Criterion: 1, MinSteps: 2, Every: 4}, {Steps: 9, Criterion: 1, MinSteps: 5}},
		[]shaders.Progress{{Taken: 3}, {}, {Taken: 6, Checks: 1}, {Taken: 5, Checks: 1}, {Taken: 4}}
}

func advanceTrial(t *trial, s normSize) {
	in := t.cellTable(s.n)
	rules, progress := checkGroups()
	for n := range in.table {
		in.table[n].Group = uint32((n + s.d) % len(rules))
	}
	// Cells that no row has stay as they are.
	state, older := t.inout("state", t.values("state", uniform, in.cells, s.d), s.d), t.inout("older", t.values("older", uniform, 2*in.cells, s.d), s.d)
	a, x := t.drawn("a", s.family, s.n, s.d), t.drawn("x", s.family, s.n, s.d)
	w, weight := t.normWeight("weight", s.d)
	rows, raw := t.rows(in.table, true)
	groups := t.groups(rules, progress, in.cells, 0)

	want, next := plain.AddNorm(a.x, x.x, weight, normEps), slices.Clone(in.table)
	for n := range next {
		next[n].Step++
	}
	wantOlder := plain.Widen(older.x)
	change, size, checked := make([]float64, 5*in.cells), make([]float64, 5*in.cells), make([]bool, in.cells)
	for n, r := range in.table {
		p := progress[r.Group]
		if !due(rules[r.Group], p.Taken) {
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
	}, becomes(state, scattered(plain.Widen(state.x), want, in.table, s.d)), becomes(older, wantOlder), func(v *verdict) {
		v.rowTable(raw, next)
		for cell, yes := range checked {
			at := cell * shaders.ChangeBytes
			got := groups.change.values()[at:][:shaders.ChangeBytes]
			if !yes {
				if !slices.Equal(got, groups.change.before()[at:][:shaders.ChangeBytes]) {
					v.fail("the change of cell %d was written, and no check was due", cell)
				}
				continue
			}
			v.values("change", floatsOf(got), reference{change[5*cell:][:5], size[5*cell:][:5]}, 1)
		}
	})
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
