package model

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"muninn/shaders"
)

func TestParseExit(t *testing.T) {
	auto := map[Criterion]float64{"latent-diff": 0.03, "cosine": 1e-3, "acceleration": 0.1, "entropy-diff": 1e-3, "kl": 1e-3, "minp-kl": 1e-5, "argmax-stability": 5}
	for name, want := range auto {
		e, err := ParseExit(string(name), "auto")
		if err != nil || e.Limit() != want {
			t.Errorf("%s: threshold %g, error %v; want %g", name, e.Limit(), err, want)
		}
	}
	if len(Criteria()) != len(auto) {
		t.Errorf("%d criteria, want %d", len(Criteria()), len(auto))
	}
	for _, c := range criteria {
		if c.measure == nil || (c.device != shaders.MeasureProbe) == (c.probe != "") {
			t.Errorf("%s: want a measure for the reference, and one on the device, of states or of logits", c.Name)
		}
	}
	if e, err := ParseExit("kl", "0.02"); err != nil || e.Limit() != 0.02 || !e.Done(0.019) || e.Done(0.02) {
		t.Errorf("kl at 0.02: %+v, %v: want an exit below 0.02", e, err)
	}
	if e, err := ParseExit("argmax-stability", "3"); err != nil || e.Done(2) || !e.Done(3) {
		t.Errorf("argmax-stability at 3: %+v, %v: want an exit at 3 and above", e, err)
	}
	for _, c := range [][3]string{
		{"residual", "auto", `criterion "residual" is not known; known: latent-diff, cosine, acceleration`},
		{"kl", "soon", `threshold "soon", want auto or a number`},
		{"kl", "-1", `threshold "-1"`}, {"kl", "0", `threshold "0"`}, {"kl", "NaN", `threshold "NaN"`}, {"kl", "inf", "threshold +Inf"},
		{"argmax-stability", "2.5", "whole number"},
	} {
		if _, err := ParseExit(c[0], c[1]); !errors.Is(err, ErrExit) || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("ParseExit(%s, %s): error %v, want one with %q", c[0], c[1], err, c[2])
		}
	}
	for want, e := range map[string]Exit{"min_steps is -1": {Criterion: KL, MinSteps: -1}, "every -2 steps": {Criterion: KL, Every: -2}} {
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", e, err, want)
		}
	}
}

func TestExitChecks(t *testing.T) {
	for _, c := range []struct {
		min, every int
		want       []int
	}{{0, 0, []int{0, 1, 2, 3, 4, 5, 6, 7}}, {6, 1, []int{6, 7}}, {0, 4, []int{0, 4}}, {1, 3, []int{1, 4, 7}}} {
		var got []int
		for step := range 8 {
			if (Exit{MinSteps: c.min, Every: c.every}).Checks(step) {
				got = append(got, step)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("min_steps %d, every %d: checks steps %v, want %v", c.min, c.every, got, c.want)
		}
	}
}

// countMeasure is a criterion of a test: how many checks there were.
type countMeasure struct{ checks int }

func (m *countMeasure) start([][]float64) {}

func (m *countMeasure) value([][]float64, []float64) float64 { m.checks++; return float64(m.checks) }

// TestFurtherCriterion: one row in the table adds a criterion, which parses, is listed and ends steps.
func TestFurtherCriterion(t *testing.T) {
	kept := criteria
	defer func() { criteria = kept }()
	criteria = append(slices.Clone(criteria), CriterionInfo{Name: "checks", Auto: 3, AtLeast: true, Help: "checks so far", measure: func(Config) measure { return &countMeasure{} }})

	exit, err := ParseExit("checks", "")
	if err != nil {
		t.Fatal(err)
	}
	exit.MinSteps, exit.Every = 1, 2
	all, out := sampleAll(t, tinySession(t, tinyReference(t, 1), DefaultLookup),
		Request{Prompt: []int32{1, 2, 3}, Steps: 9, MaxTokens: 4, Pick: Sampling{Greedy: true}, Sampler: Sampler{Exit: &exit}})
	for i, c := range all {
		want := 6 // checked after steps 2, 4, 6
		if i == 0 {
			want = 9 // the prompt
		}
		if c.Steps != want {
			t.Errorf("token %d took %d steps, want %d", i, c.Steps, want)
		}
	}
	if out.Passes != 9+3*6 || out.RowSteps != 3*9+3*6 {
		t.Errorf("%d passes and %d row steps, want 27 and 45", out.Passes, out.RowSteps)
	}
	if _, err := ParseExit("nonsense", ""); err == nil || !strings.Contains(err.Error(), "checks") {
		t.Errorf("error %v, want one that lists the further criterion", err)
	}
}

// TestMeasures compares the criteria with values worked out by hand.
func TestMeasures(t *testing.T) {
	cfg := Config{PaddedVocabSize: 2}
	states := [][][]float64{{{3, 4}, {1, 0}}, {{3, 0}, {1, 0}}, {{4, 0}, {2, 0}}}
	logits := [][]float64{{0, 0}, {math.Log(9), 0}, {math.Log(99), 0}}
	ln := math.Log
	for _, c := range []struct {
		criterion Criterion
		want      []float64 // of two checks
	}{
		{LatentDiff, []float64{(4.0/3 + 0) / 2, (0.25 + 0.5) / 2}},
		{Cosine, []float64{1 - (0.6+1)/2, 0}},
		{Acceleration, []float64{(4.0/3 + 0) / 2, (math.Hypot(1, 4)/4 + 0.5) / 2}},
		{EntropyDiff, []float64{100 - ln(10) + 0.9*ln(9), ln(10) - 0.9*ln(9) - (ln(100) - 0.99*ln(99))}},
		{KL, []float64{0.5*ln(0.5/0.9) + 0.5*ln(0.5/0.1), 0.9*ln(0.9/0.99) + 0.1*ln(0.1/0.01)}},
		{MinPKL, []float64{0.5*ln(0.5/0.9) + 0.5*ln(0.5/0.1), // 0.1 is at least a tenth of 0.9
			0.9*ln(0.9/(0.99/1.49)) + 0.1*ln(0.1/(0.5/1.49))}},
		{ArgmaxStability, []float64{0, 1}},
	} {
		info, err := c.criterion.Info()
		if err != nil {
			t.Fatal(err)
		}
		m := info.measure(cfg)
		m.start(states[0])
		for i, want := range c.want {
			if got := m.value(states[i+1], logits[i+1]); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s, check %d: %g, want %g", c.criterion, i+1, got, want)
			}
		}
	}
}
