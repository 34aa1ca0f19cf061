// Package bench measures how fast a model reads and generates, and how near that comes to what its device can do.
package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"muninn/model/engine"
	"muninn/shaders/roofline"
	"muninn/vk"
)

// Counts are what is measured: lengths of prompts, numbers of tokens, and rows of one core step, at some num_steps each.
type Counts struct{ Prompts, Tokens, Steps, Rows []int }

// Row is the result of one test.
type Row struct {
	Model  string `json:"model"`
	Size   uint64 `json:"size"` // bytes of the weights on the device
	Params int64  `json:"params"`
	Device string `json:"device"`
	Name   string `json:"-"` // of the device, without its driver
	Driver string `json:"driver"`
	Format string `json:"format"` // of the weights: what was asked for
	Test   string `json:"test"`
	Steps  int    `json:"num_steps"`
	Layers int    `json:"layers"` // executed
	Reps   int    `json:"reps"`
	Tuning string `json:"tuning"` // how the kernels were chosen

	Mean   float64 `json:"tokens_per_second"`
	SD     float64 `json:"tokens_per_second_sd"`
	Median float64 `json:"tokens_per_second_median"`
	Min    float64 `json:"tokens_per_second_min"`
	Max    float64 `json:"tokens_per_second_max"`

	Cost         float64 `json:"cost"` // time against the first number of rows; 0: no test of rows
	GBs          float64 `json:"weight_gb_per_second"`
	GFLOPs       float64 `json:"gflop_per_second"`
	ReadShare    float64 `json:"share_of_read_roof"`
	FMAShare     float64 `json:"share_of_fma_roof"`
	RooflineRead float64 `json:"roof_gb_per_second"`
	RooflineFMA  float64 `json:"roof_gflop_per_second"`
	CPU          float64 `json:"cpu_ms_per_core_and_token"` // of this process, the driver's threads in it
	First        float64 `json:"first_run_seconds"`

	Choices        string  `json:"choices"`                     // what was chosen for the device
	Predicted      float64 `json:"predicted_tokens_per_second"` // on paper, for such a card; 0: it is not known
	PredictedShare float64 `json:"predicted_share_of_roof"`
}

// Runner runs the tests on one model.
type Runner struct {
	Say   func(format string, args ...any) // is told what comes next
	M     *engine.Model
	Plan  Counts
	Reps  int      // after a first one that is reported apart
	Speed vk.Speed // measured, of the device
	Caps  vk.Caps
	Work  engine.Work
	Base  Row // what all results have in common
}

// test is something to time: units are what a repetition does of what the rate counts; bytes and flops are its work.
type test struct {
	row          Row
	units        int
	bytes, flops float64
	laps         []roofline.Lap // the first is a warm-up
}

// Run measures everything planned, and reports each result as it comes.
func (b *Runner) Run(ctx context.Context, report func(Row) error) error {
	for _, r := range b.Plan.Steps {
		need := slices.Max(append(append([]int{1}, b.Plan.Prompts...), b.Plan.Tokens...))
		s, err := b.M.NewSession(engine.SessionOptions{Context: need, MaxSteps: max(r, 1)})
		if err != nil {
			return err
		}
		err = b.sequences(ctx, s, r, report)
		s.Close()
		if err != nil {
			return err
		}
	}
	if len(b.Plan.Rows) == 0 {
		return nil
	}
	return b.rows(ctx, report)
}

// sequences runs the tests that read prompts and generate, at num_steps = r.
func (b *Runner) sequences(ctx context.Context, s *engine.Session, r int, report func(Row) error) error {
	for _, n := range b.Plan.Prompts {
		t := b.test(fmt.Sprintf("pp%d", n), r, n)
		for left := n; left > 0; left -= s.Rows() {
			bytes, flops := b.Work.Pass(min(left, s.Rows()), r)
			t.bytes, t.flops = t.bytes+bytes, t.flops+flops
		}
		if err := b.time(t, func() error {
			_, err := s.Prefill(ctx, 0, b.tokens(n), r, nil)
			return err
		}, s, report); err != nil {
			return err
		}
	}
	for _, n := range b.Plan.Tokens {
		t := b.test(fmt.Sprintf("tg%d", n), r, n)
		bytes, flops := b.Work.Pass(1, r)
		t.bytes, t.flops = float64(n)*bytes, float64(n)*flops
		if err := b.time(t, func() error {
			for _, id := range b.tokens(n) {
				if _, err := s.Prefill(ctx, 0, []int32{id}, r, nil); err != nil {
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
func (b *Runner) time(t *test, do func() error, s *engine.Session, report func(Row) error) error {
	b.Say("%s %s, r %d: %d repetitions", t.row.Model, t.row.Test, t.row.Steps, b.Reps)
	for range b.Reps + 1 {
		if err := s.Rewind(0, 0); err != nil {
			return err
		}
		if err := t.lap(b.Caps, do); err != nil {
			return err
		}
	}
	return report(t.result(b.Speed))
}

// Rows times one core step for each number of rows, all of them in every round: a device that slows down slows all.
func (b *Runner) rows(ctx context.Context, report func(Row) error) error {
	need := slices.Max(b.Plan.Rows)
	s, err := b.M.NewSession(engine.SessionOptions{Context: need, MaxSteps: 1, Rows: need})
	if err != nil {
		return err
	}
	defer s.Close()
	var tests []*test
	for _, n := range b.Plan.Rows {
		t := b.test(fmt.Sprintf("rows%d", n), 1, n)
		t.row.Layers = b.M.Config.NLayersInRecurrentBlock
		t.bytes, t.flops = b.Work.Step.Bytes, 2*float64(n)*b.Work.Step.Elements
		tests = append(tests, t)
	}
	b.Say("%s: a core step of %v rows, %d repetitions", b.Base.Model, b.Plan.Rows, b.Reps)
	for range b.Reps + 1 {
		for i, t := range tests {
			step, err := s.CoreSteps(ctx, b.tokens(b.Plan.Rows[i]))
			if err == nil {
				err = t.lap(b.Caps, step)
			}
			if err != nil {
				return err
			}
		}
	}
	var first float64
	for i, t := range tests {
		row := t.result(b.Speed)
		cost := medianOf(t.times(func(l roofline.Lap) time.Duration { return l.Busy }))
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

// Profile runs one token with timestamps around every kernel.
func (b *Runner) Profile(ctx context.Context) ([]vk.Timing, error) {
	r := b.Plan.Steps[0]
	s, err := b.M.NewSession(engine.SessionOptions{Context: 2, MaxSteps: max(r, 1)})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	dev := b.M.Device()
	dev.SetProfiling(true)
	defer dev.SetProfiling(false)
	for range 2 { // the first compiles
		dev.ResetTimings()
		if _, err := s.Prefill(ctx, 0, []int32{0}, r, nil); err != nil {
			return nil, err
		}
	}
	b.Say("%s: device time of one token, r %d", b.Base.Model, r)
	return dev.Timings(), nil
}

// Tokens are n ids, not all alike.
func (b *Runner) tokens(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((1 + 7*i) % b.M.Config.VocabSize)
	}
	return ids
}

func (b *Runner) test(name string, r, units int) *test {
	row := b.Base
	c := b.M.Config
	row.Test, row.Steps, row.Layers = name, r, c.NLayersInPrelude+r*c.StepBlocks()+c.NLayersInCoda
	return &test{row: row, units: units}
}

func (t *test) lap(c vk.Caps, do func() error) error {
	w := roofline.Start()
	err := do()
	t.laps = append(t.laps, w.Stop(c))
	return err
}

// times are the seconds of all repetitions but the first.
func (t *test) times(of func(roofline.Lap) time.Duration) []float64 {
	var list []float64
	for _, l := range t.laps[1:] {
		list = append(list, max(of(l).Seconds(), 1e-9))
	}
	return list
}

// result is the line of a test whose repetitions are done.
func (t *test) result(speed vk.Speed) Row {
	row, units := t.row, float64(t.units)
	walls := t.times(func(l roofline.Lap) time.Duration { return l.Wall })
	rates := make([]float64, len(walls))
	for i, w := range walls {
		rates[i] = units / w
	}
	if row.Mean = stat.Mean(rates, nil); len(rates) > 1 {
		row.SD = stat.StdDev(rates, nil)
	}
	row.Median, row.Min, row.Max = medianOf(rates), slices.Min(rates), slices.Max(rates)
	busy := medianOf(t.times(func(l roofline.Lap) time.Duration { return l.Busy }))
	row.GBs, row.GFLOPs = t.bytes/busy/1e9, t.flops/busy/1e9
	row.ReadShare, row.FMAShare = t.bytes/busy/speed.Read, t.flops/busy/speed.FMA
	row.CPU = medianOf(t.times(func(l roofline.Lap) time.Duration { return l.CPU })) / units * 1e3
	row.First = t.laps[0].Wall.Seconds()
	row.Reps = len(rates)
	return row
}

func medianOf(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}
