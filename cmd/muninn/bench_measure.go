package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"muninn/model/engine"
	"muninn/shaders/roof"
	"muninn/vk"
)

// bencher runs the tests on one model.
type bencher struct {
	say   func(format string, args ...any) // says what comes next
	m     *engine.Model
	plan  benchPlan
	reps  int
	speed vk.Speed
	caps  vk.Caps
	work  engine.Work
	base  benchRow
}

// test is something to time: units are what a repetition does of what the rate counts; bytes and flops are its work.
type test struct {
	row          benchRow
	units        int
	bytes, flops float64
	laps         []roof.Lap // the first is a warm-up
}

func (b *bencher) run(ctx context.Context, report func(benchRow) error) error {
	for _, r := range b.plan.steps {
		need := slices.Max(append(append([]int{1}, b.plan.prompts...), b.plan.tokens...))
		s, err := b.m.NewSession(engine.SessionOptions{Context: need, MaxSteps: max(r, 1)})
		if err != nil {
			return err
		}
		err = b.sequences(ctx, s, r, report)
		s.Close()
		if err != nil {
			return err
		}
	}
	if len(b.plan.rows) == 0 {
		return nil
	}
	return b.rows(ctx, report)
}

// sequences runs the tests that read prompts and generate, at num_steps = r.
func (b *bencher) sequences(ctx context.Context, s *engine.Session, r int, report func(benchRow) error) error {
	for _, n := range b.plan.prompts {
		t := b.test(fmt.Sprintf("pp%d", n), r, n)
		for left := n; left > 0; left -= s.Rows() {
			bytes, flops := b.work.Pass(min(left, s.Rows()), r)
			t.bytes, t.flops = t.bytes+bytes, t.flops+flops
		}
		if err := b.time(t, func() error {
			_, err := s.Prefill(ctx, 0, b.tokens(n), r, nil)
			return err
		}, s, report); err != nil {
			return err
		}
	}
	for _, n := range b.plan.tokens {
		t := b.test(fmt.Sprintf("tg%d", n), r, n)
		bytes, flops := b.work.Pass(1, r)
		t.bytes, t.flops = float64(n)*bytes, float64(n)*flops
		if err := b.time(t, func() error {
			for _, id := range b.tokens(n) {
				if _, err := s.Decode(ctx, 0, id, r, nil); err != nil {
					return err
				}
			}
			return nil
		}, s, report); err != nil {
			return err
		}
	}
	return nil
}

// time repeats one test from an empty cache.
func (b *bencher) time(t *test, do func() error, s *engine.Session, report func(benchRow) error) error {
	b.say("%s %s, r %d: %d repetitions", t.row.Model, t.row.Test, t.row.Steps, b.reps)
	for range b.reps + 1 {
		if err := s.Rewind(0, 0); err != nil {
			return err
		}
		if err := t.lap(b.caps, do); err != nil {
			return err
		}
	}
	return report(t.result(b.speed))
}

// rows times one core step for each number of rows, all of them in every round: a device that slows down slows all.
func (b *bencher) rows(ctx context.Context, report func(benchRow) error) error {
	need := slices.Max(b.plan.rows)
	s, err := b.m.NewSession(engine.SessionOptions{Context: need, MaxSteps: 1, Rows: need})
	if err != nil {
		return err
	}
	defer s.Close()
	var tests []*test
	for _, n := range b.plan.rows {
		t := b.test(fmt.Sprintf("rows%d", n), 1, n)
		t.row.Layers = b.m.Config.NLayersInRecurrentBlock
		t.bytes, t.flops = b.work.Step.Bytes, 2*float64(n)*b.work.Step.Elements
		tests = append(tests, t)
	}
	b.say("%s: a core step of %v rows, %d repetitions", b.base.Model, b.plan.rows, b.reps)
	for range b.reps + 1 {
		for i, t := range tests {
			step, err := s.CoreSteps(ctx, b.tokens(b.plan.rows[i]))
			if err == nil {
				err = t.lap(b.caps, step)
			}
			if err != nil {
				return err
			}
		}
	}
	var first float64
	for i, t := range tests {
		row := t.result(b.speed)
		cost := medianOf(t.times(func(l roof.Lap) time.Duration { return l.Busy }))
		if i == 0 {
			first = cost
		}
		row.Cost = cost / first
		if err := report(row); err != nil {
			return err
		}
	}
	return nil
}

// profile runs one token with timestamps around every kernel.
func (b *bencher) profile(ctx context.Context) ([]vk.Timing, error) {
	r := b.plan.steps[0]
	s, err := b.m.NewSession(engine.SessionOptions{Context: 2, MaxSteps: max(r, 1)})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	dev := b.m.Device()
	dev.SetProfiling(true)
	defer dev.SetProfiling(false)
	for range 2 { // the first compiles
		dev.ResetTimings()
		if _, err := s.Decode(ctx, 0, 0, r, nil); err != nil {
			return nil, err
		}
	}
	b.say("%s: device time of one token, r %d", b.base.Model, r)
	return dev.Timings(), nil
}

// tokens are n ids, not all alike.
func (b *bencher) tokens(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((1 + 7*i) % b.m.Config.VocabSize)
	}
	return ids
}

func (b *bencher) test(name string, r, units int) *test {
	row := b.base
	c := b.m.Config
	row.Test, row.Steps, row.Layers = name, r, c.NLayersInPrelude+r*c.NLayersInRecurrentBlock+c.NLayersInCoda
	return &test{row: row, units: units}
}

func (t *test) lap(c vk.Caps, do func() error) error {
	w := roof.Start()
	err := do()
	t.laps = append(t.laps, w.Stop(c))
	return err
}

// times are the seconds of all repetitions but the first.
func (t *test) times(of func(roof.Lap) time.Duration) []float64 {
	var list []float64
	for _, l := range t.laps[1:] {
		list = append(list, max(of(l).Seconds(), 1e-9))
	}
	return list
}

// result is the line of a test whose repetitions are done.
func (t *test) result(speed vk.Speed) benchRow {
	row, units := t.row, float64(t.units)
	walls := t.times(func(l roof.Lap) time.Duration { return l.Wall })
	rates := make([]float64, len(walls))
	for i, w := range walls {
		rates[i] = units / w
	}
	row.Mean, row.SD = meanOf(rates)
	row.Median, row.Min, row.Max = medianOf(rates), slices.Min(rates), slices.Max(rates)
	busy := medianOf(t.times(func(l roof.Lap) time.Duration { return l.Busy }))
	row.GBs, row.GFLOPs = t.bytes/busy/1e9, t.flops/busy/1e9
	row.ReadShare, row.FMAShare = t.bytes/busy/speed.Read, t.flops/busy/speed.FMA
	row.CPU = medianOf(t.times(func(l roof.Lap) time.Duration { return l.CPU })) / units * 1e3
	row.First = t.laps[0].Wall.Seconds()
	row.Reps = len(rates)
	return row
}

func medianOf(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

// meanOf is mean and standard deviation; that of one value is 0.
func meanOf(list []float64) (mean, sd float64) {
	for _, x := range list {
		mean += x / float64(len(list))
	}
	for _, x := range list {
		sd += (x - mean) * (x - mean) / float64(max(len(list)-1, 1))
	}
	return mean, math.Sqrt(sd)
}
