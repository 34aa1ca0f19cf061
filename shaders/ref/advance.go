package ref

import (
	"encoding/binary"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
	"muninn/vk"
)

// due tells whether the core step after so many taken ones is checked by a rule.
func due(r shaders.ExitRule, taken uint32) bool {
	return r.Criterion != 0 && taken >= r.MinSteps && (taken-r.MinSteps)%max(r.Every, 1) == 0
}

// sums are a change as the device lays it out.
func sums(c plain.Change) []float64 { return []float64{c.Now, c.Before, c.Both, c.First, c.Second} }

func advanceCases() []Case {
	var sizes []advanceSize
	for _, s := range formSizes(normSizes(3)) {
		sizes = append(sizes, advanceSize{s, false, true})
	}
	for i, s := range formSizes(normSizes(4)) {
		sizes = append(sizes, advanceSize{s, i%3 > 0, i%3 == 1})
	}
	return each(Case{Op: "advance", Limit: normLimit, Why: normWhy}, sizes, advanceTrial)
}

// advanceSize is a run of core blocks that ends with an end norm or without, and ends the core step or not.
type advanceSize struct {
	formSize
	end, last bool
}

func (s advanceSize) String() string {
	name := s.formSize.String()
	if s.end {
		name += " end"
	}
	if !s.last {
		name += " not last"
	}
	return name
}

// checkGroups are a group without a rule, one at its first check, one at a later check, one between checks, one before them, and
// one whose check does not look at states.
func checkGroups() ([]shaders.ExitRule, []shaders.Progress) {
	return []shaders.ExitRule{{Steps: 9}, {Steps: 9, Criterion: 1}, {Steps: 9, Criterion: 2, MinSteps: 2, Every: 4},
			{Steps: 9, Criterion: 1, MinSteps: 2, Every: 4}, {Steps: 9, Criterion: 1, MinSteps: 5},
			{Steps: 9, Criterion: 8, Measure: shaders.MeasureGate}},
		[]shaders.Progress{{Taken: 3}, {}, {Taken: 6, Checks: 1}, {Taken: 5, Checks: 1}, {Taken: 4}, {Taken: 2, Checks: 2}}
}

func advanceTrial(t *trial, s advanceSize) {
	in := t.cellTable(s.n)
	rules, progress := checkGroups()
	for n := range in.table {
		in.table[n].Group = uint32((n + s.d) % len(rules))
	}
	// Cells that no row has stay as they are.
	state, older := t.inout("state", t.values("state", uniform, in.cells, s.d), s.d), t.inout("older", t.values("older", uniform, 2*in.cells, s.d), s.d)
	a, x := t.drawn("a", s.family, s.n, s.d), t.drawn("x", s.family, s.n, s.d)
	w, weight := t.formWeight(s.form, s.d)
	rows, raw := t.rows(in.table, true)
	groups := t.groups(rules, progress, in.cells, 0)

	want, next, end := residual(s.form, a.x, x.x, weight), slices.Clone(in.table), vk.Span{}
	if s.end {
		var ended []float32
		end, ended = t.normWeight("end", s.d)
		want = plain.RMSNorm(want, ended, normEps)
	}
	for n := range next {
		if s.last {
			next[n].Step++
		}
	}
	wantOlder := plain.Widen(older.x)
	change, size, checked := make([]float64, 5*in.cells), make([]float64, 5*in.cells), make([]bool, in.cells)
	for n, r := range in.table {
		p := progress[r.Group]
		if !s.last || !due(rules[r.Group], p.Taken) || rules[r.Group].Measure == shaders.MeasureGate {
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
		r.Advance(state.Tensor, older.Tensor, x.Tensor, a.Tensor, s.form, w, end, normEps, rows, groups.Groups, s.last)
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
