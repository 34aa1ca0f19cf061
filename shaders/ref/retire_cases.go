package ref

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

func retireCases() []Case {
	var list []Case
	add := func(name string, steps int, arm bool, make func() *retiring) {
		list = append(list, Case{Op: "retire", Name: name, Why: "rows and counts are moved about; values are good to a millionth", run: func(t *trial) { retireTrial(t, make(), steps, arm) }})
	}
	add("each measure", 1, false, ruledGroups)
	add("each measure 4 steps", 4, false, ruledGroups)
	add("gates", 1, false, gatedGroups)
	add("gates 4 steps", 4, false, gatedGroups)
	add("arm", 0, true, ruledGroups)
	add("none live", 2, false, func() *retiring {
		s := ruledGroups()
		s.live = 0
		return s
	})
	for i, n := range []int{1, 2, 5, 63, 64, 65, 130} { // around a workgroup of 64
		for _, steps := range []int{1, 3} {
			add(fmt.Sprintf("%d groups %d steps", n, steps), steps, i%2 == 1, func() *retiring { return randomGroups(n, uint64(i)) })
		}
	}
	return list
}

// add makes a group with rows whose states changed so.
func (s *retiring) add(r shaders.ExitRule, p shaders.Progress, changes ...plain.Change) {
	s.rules, s.progress = append(s.rules, r), append(s.progress, p)
	for _, c := range changes {
		k := uint32(len(s.rows))
		s.rows = append(s.rows, shaders.Row{Token: k, Pos: k * 3, Step: p.Taken, Cell: k, Group: uint32(len(s.rules) - 1)})
		s.change, s.cdf = append(s.change, c), append(s.cdf, float32(c.First/(1+c.First)))
	}
}

// mix puts the rows in another order, with cells in yet another.
func (s *retiring) mix(n uint64) *retiring {
	rnd := rand.New(rand.NewPCG(seed("settle"), n))
	rnd.Shuffle(len(s.rows), func(i, j int) { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] })
	s.live, s.checks, s.values = len(s.rows), 3, map[[2]int]uint32{}
	return s
}

// ruledGroups are groups on either side of their thresholds by each measure, at thresholds, out of steps, not due, done
// before, and with no number for a value.
func ruledGroups() *retiring {
	s := &retiring{}
	near := plain.Change{Now: 4, Before: 4, Both: 3.9, First: 0.01, Second: 0.04} // 0.05 away, turned by 0.025, 0.1 off the line
	far := plain.Change{Now: 1, Before: 4, Both: -0.5, First: 25, Second: 100}
	nan := math.NaN()
	broken := plain.Change{Now: nan, Before: nan, Both: nan, First: nan, Second: nan}
	rule := func(m shaders.Measure, threshold float32) shaders.ExitRule {
		return shaders.ExitRule{Steps: 100, Criterion: 3, Measure: m, Threshold: threshold}
	}
	none := shaders.Progress{Taken: 2}
	s.add(shaders.ExitRule{Steps: 100}, none, near)
	s.add(shaders.ExitRule{Steps: 3}, none, near, far) // its last step
	s.add(rule(shaders.MeasureDiff, 0.051), none, near)
	s.add(rule(shaders.MeasureDiff, 0.049), none, near)
	s.add(rule(shaders.MeasureDiff, 0.051), none, near, far) // the mean is above
	s.add(rule(shaders.MeasureDiff, 2.6), none, near, far)
	s.add(rule(shaders.MeasureCosine, 0.026), none, near)
	s.add(rule(shaders.MeasureCosine, 0.024), none, near)
	s.add(rule(shaders.MeasureCosine, 0.5), none, plain.Change{Before: 1}) // a zero state turns by 1
	s.add(rule(shaders.MeasureAcceleration, 0.11), none, near)
	s.add(rule(shaders.MeasureAcceleration, 0.09), none, near)
	s.add(rule(shaders.MeasureDiff, 0.5), none, plain.Change{})                                      // zero stays zero
	s.add(rule(shaders.MeasureDiff, 0.5), none, broken)                                              // no number: never done by it
	s.add(rule(shaders.MeasureLogits, 0.5), shaders.Progress{Taken: 2, Checks: 1, Value: 0.5}, near) // at the threshold is not below it
	s.add(rule(shaders.MeasureLogits, 0.5), shaders.Progress{Taken: 2, Checks: 2, Value: 0.25}, near)
	atLeast := rule(shaders.MeasureLogits, 5)
	atLeast.AtLeast = true
	s.add(atLeast, shaders.Progress{Taken: 9, Checks: 9, Value: 5}, near) // more checks than values are kept
	s.add(atLeast, shaders.Progress{Taken: 9, Checks: 3, Value: 4}, far)
	later := rule(shaders.MeasureDiff, 10)
	later.MinSteps, later.Every = 3, 2
	s.add(later, shaders.Progress{Taken: 2}, near)            // too early
	s.add(later, shaders.Progress{Taken: 3}, near)            // the first check
	s.add(later, shaders.Progress{Taken: 4, Checks: 1}, near) // between checks
	s.add(later, shaders.Progress{Taken: 5, Checks: 1}, near)
	s.add(rule(shaders.MeasureDiff, 10), shaders.Progress{Taken: 7, Done: true, Checks: 2, Value: 1}) // its rows have left
	return s.mix(0)
}

// gatedGroups leave by the exit gate, of rows that it has let go with 1 in 5 and 4 in 5, at once and steps later; others later by another measure.
func gatedGroups() *retiring {
	s := &retiring{}
	no, yes := plain.Change{Now: 1, First: 0.25}, plain.Change{Now: 1, First: 4}
	rule := func(threshold float32, delay uint32) shaders.ExitRule {
		return shaders.ExitRule{Steps: 9, Criterion: 8, Measure: shaders.MeasureGate, AtLeast: true, Threshold: threshold, Delay: delay}
	}
	for delay := range uint32(4) {
		s.add(rule(0.7, delay), shaders.Progress{}, yes)
		s.add(rule(0.7, delay), shaders.Progress{Taken: 2, Checks: 2}, no)
		s.add(rule(0.45, delay), shaders.Progress{Taken: 7, Checks: 1}, yes, no) // the mean is above
		s.add(rule(0.7, delay), shaders.Progress{Taken: 3, Checks: 1, Delay: delay}, no)
		s.add(shaders.ExitRule{Steps: 9, Criterion: 1, Measure: shaders.MeasureDiff, Threshold: 1, Delay: delay, Every: 2}, shaders.Progress{}, no)
	}
	return s.mix(1)
}

// randomGroups are n groups of up to three rows; some are done, and their rows lie behind the live ones.
func randomGroups(n int, salt uint64) *retiring {
	s := &retiring{}
	rnd := rand.New(rand.NewPCG(seed("settle groups"), uint64(n)))
	for range n {
		var changes []plain.Change
		for range 1 + rnd.IntN(3) {
			c := func() float64 { return float64(0.5 + rnd.Float32()) }
			changes = append(changes, plain.Change{Now: c(), Before: c(), Both: c() - 1, First: c(), Second: c()})
		}
		r := shaders.ExitRule{Steps: uint32(1 + rnd.IntN(6)), Criterion: uint32(rnd.IntN(3)), Measure: shaders.Measure(rnd.IntN(5)), AtLeast: rnd.IntN(4) == 0,
			MinSteps: uint32(rnd.IntN(3)), Every: uint32(rnd.IntN(4)), Delay: uint32(max(rnd.IntN(5)-2, 0))}
		p := shaders.Progress{Taken: uint32(rnd.IntN(int(r.Steps))), Value: 1}
		s.add(r, p, changes...)
	}
	s.mix(salt)
	for g := range s.rules { // on either side of the value, by far
		value := s.progress[g].Value
		if s.rules[g].Measure != shaders.MeasureLogits {
			value = s.measured(g)
		}
		s.rules[g].Threshold = value * []float32{0.5, 2}[rnd.IntN(2)]
	}
	for g := 3; g < n; g += 4 {
		s.progress[g].Done = true
	}
	s.leave()
	return s
}

// retireTrial ends so many steps one after the other, or begins with all rows live.
func retireTrial(t *trial, s *retiring, steps int, arm bool) {
	rows, raw := t.rows(s.rows, true)
	g := t.groups(s.rules, slices.Clone(s.progress), len(s.change), s.checks)
	var change []float32
	for _, c := range s.change {
		for _, sum := range sums(c) {
			change = append(change, float32(sum))
		}
	}
	copy(g.change.before(), appendFloats(nil, change))
	g.change.written = false
	var gates []byte
	for _, cdf := range s.cdf {
		gates, _ = binary.Append(gates, binary.LittleEndian, shaders.ExitGate{CDF: cdf, Survival: filler(1)[0]}) // fixed-size fields cannot fail
	}
	g.Gates = t.buffer("gates", gates, false).data
	live, shapes := t.live()
	if t.err != nil {
		t.check(nil) // reports it
		return
	}
	table := t.template(live, &shapes)
	binary.LittleEndian.PutUint32(table.start, uint32(s.live))
	if arm {
		binary.LittleEndian.PutUint32(table.start, 0xEEEEEE) // of an earlier pass
		s.live = len(s.rows)
	}
	counts := t.block("counts", live.Counts, bytes.Repeat([]byte{0xEE}, int(live.Counts.Size())), true)
	idle := s.live == 0
	for range steps {
		s.step()
	}
	t.check(func(r *shaders.Recorder) {
		if arm {
			r.Arm(g.Groups, rows, live)
		}
		for range steps {
			r.Retire(g.Groups, rows, live)
		}
	}, func(v *verdict) {
		v.retired(raw, g, s)
		wantTable, wantCounts := bytes.Clone(table.start), bytes.Clone(counts.start)
		binary.LittleEndian.PutUint32(wantTable, uint32(s.live))
		for i, shape := range shapes {
			for k, n := range shape.counts(s.live) {
				if !idle { // nothing happens, not even to counts
					binary.LittleEndian.PutUint32(wantCounts[i*shaders.CountStride+4*k:], n)
				}
			}
		}
		if !bytes.Equal(table.now, wantTable) {
			v.fail("the table of live rows begins %v, want %v", wordsOf(table.now[:16]), wordsOf(wantTable[:16]))
		}
		for i := range len(counts.now) / shaders.CountStride {
			if at := i * shaders.CountStride; !bytes.Equal(counts.now[at:][:shaders.CountStride], wantCounts[at:][:shaders.CountStride]) {
				v.fail("the counts of shape %d are %v, want %v", i, wordsOf(counts.now[at:][:12]), wordsOf(wantCounts[at:][:12]))
			}
		}
	})
}
