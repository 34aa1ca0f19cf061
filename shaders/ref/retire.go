package ref

import (
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// retiring is what retire works on: groups, the rows whose states changed by change[cell], and how many of them are live.
type retiring struct {
	rules    []shaders.ExitRule
	progress []shaders.Progress
	change   []plain.Change // of each cell
	cdf      []float32      // of each cell, its gate's
	rows     []shaders.Row  // the live ones first
	live     int
	checks   int               // values that are kept of a group
	values   map[[2]int]uint32 // bits of the value of a group at each check
}

// measures are what rows' changes come to.
var measures = [...]func(plain.Change) float64{
	shaders.MeasureDiff: plain.Change.Diff, shaders.MeasureCosine: plain.Change.Cosine, shaders.MeasureAcceleration: plain.Change.Acceleration,
}

// measured is the mean over a group's live rows.
func (s *retiring) measured(g int) float32 {
	var sum, n float64
	for _, r := range s.rows[:s.live] {
		if int(r.Group) == g {
			if s.rules[g].Measure == shaders.MeasureGate {
				sum += float64(s.cdf[r.Cell])
			} else {
				sum += measures[s.rules[g].Measure](s.change[r.Cell])
			}
			n++
		}
	}
	return float32(sum / n)
}

// step ends a core step: groups that are not done have taken it, and check if they are due. Those that are done by their rule or have taken
// all their steps are done, a delay later; their rows leave. With no live rows nothing happens.
func (s *retiring) step() {
	if s.live == 0 {
		return
	}
	for g, r := range s.rules {
		p := &s.progress[g]
		if p.Done {
			continue
		}
		met := p.Delay == 1
		if p.Delay > 0 {
			p.Delay--
		} else if due(r, p.Taken) {
			if r.Measure != shaders.MeasureLogits {
				p.Value = s.measured(g)
			}
			if int(p.Checks) < s.checks {
				s.values[[2]int{g, int(p.Checks)}] = math.Float32bits(p.Value)
			}
			p.Checks++
			if r.AtLeast && p.Value >= r.Threshold || !r.AtLeast && p.Value < r.Threshold {
				p.Delay, met = r.Delay, r.Delay == 0
			}
		}
		p.Taken++
		if p.Done = met || p.Taken >= r.Steps; p.Done {
			p.Delay = 0
		}
	}
	s.leave()
}

// leave puts rows of groups that are done behind those still live, which keep their order.
func (s *retiring) leave() {
	var stay, leave []shaders.Row
	for _, r := range s.rows[:s.live] {
		if s.progress[r.Group].Done {
			leave = append(leave, r)
		} else {
			stay = append(stay, r)
		}
	}
	s.live = copy(s.rows, stay)
	copy(s.rows[s.live:], leave)
}

// retired compares what a run left with the oracle.
func (v *verdict) retired(rows *operand, g groups, want *retiring) {
	for i, w := range want.progress {
		got := progressAt(g.progress, i)
		if !nearValue(got.Value, w.Value) {
			v.fail("the value of group %d is %g, want %g", i, got.Value, w.Value)
		}
		if got.Value = w.Value; got != w && !math.IsNaN(float64(w.Value)) {
			v.fail("progress of group %d is %+v, want %+v", i, got, w)
		}
	}
	got, before := wordsOf(g.values.values()), wordsOf(g.values.before())
	for i := range want.rules {
		for k := range want.checks {
			w, checked := want.values[[2]int{i, k}]
			switch at := got[i*want.checks+k]; {
			case !checked && at != before[i*want.checks+k]:
				v.fail("value %d of group %d was written without a check", k, i)
			case checked && !nearValue(math.Float32frombits(at), math.Float32frombits(w)):
				v.fail("value %d of group %d is %g, want %g", k, i, math.Float32frombits(at), math.Float32frombits(w))
			}
		}
	}
	v.rowTable(rows, want.rows[:want.live])
	var behind []shaders.Row // in any order
	for i := want.live; i < len(want.rows); i++ {
		behind = append(behind, rowAt(rows.values(), i))
	}
	for _, r := range want.rows[want.live:] {
		at := slices.Index(behind, r)
		if at < 0 {
			v.fail("the row of cell %d is gone from behind the live ones", r.Cell)
			return
		}
		behind = slices.Delete(behind, at, at+1)
	}
}

// nearValue: one is less a cosine, so values are good to a part in a million of 1.
func nearValue(a, b float32) bool {
	x, y := float64(a), float64(b)
	return a == b || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-6*max(1, math.Abs(y))
}
