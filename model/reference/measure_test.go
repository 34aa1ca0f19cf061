package reference

import (
	"math"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
)

// countMeasure is a criterion of a test: how many checks there were.
type countMeasure struct{ checks int }

func (m *countMeasure) start([][]float64) {}

func (m *countMeasure) value([][]float64, []float64) float64 { m.checks++; return float64(m.checks) }

// TestFurtherCriterion: one row in the table adds a criterion, which parses, is listed and ends steps.
func TestFurtherCriterion(t *testing.T) {
	kept := decode.Criteria
	defer func() { decode.Criteria = kept; delete(measures, "checks") }()
	measures["checks"] = func(*Model) measure { return &countMeasure{} }
	decode.Criteria = append(slices.Clone(kept), decode.CriterionInfo{Name: "checks", ID: 8, Measure: "checks", Auto: 3, AtLeast: true})

	exit, err := decode.ParseExit("checks", "")
	if err != nil {
		t.Fatal(err)
	}
	exit.MinSteps, exit.Every = 1, 2
	all, out := sampleAll(t, tinySession(t, tinyReference(t, 1), decode.DefaultLookup),
		decode.Request{Prompt: []int32{1, 2, 3}, Steps: 9, MaxTokens: 4, Pick: decode.Filters{Greedy: true}, Strategy: decode.Strategy{Exit: &exit}})
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
	if _, err := decode.ParseExit("nonsense", ""); err == nil || !strings.Contains(err.Error(), "checks") {
		t.Errorf("error %v, want one that lists the further criterion", err)
	}
}

// TestEveryMeasure: the reference measures what every criterion of the table asks for.
func TestEveryMeasure(t *testing.T) {
	for _, c := range decode.Criteria {
		if measures[c.Measure] == nil {
			t.Errorf("%s: no measure %q", c.Name, c.Measure)
		}
	}
}

// TestMeasures compares the criteria with values worked out by hand.
func TestMeasures(t *testing.T) {
	cfg := arch.Config{PaddedVocabSize: 2}
	states := [][][]float64{{{3, 4}, {1, 0}}, {{3, 0}, {1, 0}}, {{4, 0}, {2, 0}}}
	logits := [][]float64{{0, 0}, {math.Log(9), 0}, {math.Log(99), 0}}
	ln := math.Log
	for _, c := range []struct {
		criterion decode.Criterion
		want      []float64 // of two checks
	}{
		{decode.LatentDiff, []float64{(4.0/3 + 0) / 2, (0.25 + 0.5) / 2}},
		{decode.Cosine, []float64{1 - (0.6+1)/2, 0}},
		{decode.Acceleration, []float64{(4.0/3 + 0) / 2, (math.Hypot(1, 4)/4 + 0.5) / 2}},
		{decode.EntropyDiff, []float64{100 - ln(10) + 0.9*ln(9), ln(10) - 0.9*ln(9) - (ln(100) - 0.99*ln(99))}},
		{decode.KL, []float64{0.5*ln(0.5/0.9) + 0.5*ln(0.5/0.1), 0.9*ln(0.9/0.99) + 0.1*ln(0.1/0.01)}},
		{decode.MinPKL, []float64{0.5*ln(0.5/0.9) + 0.5*ln(0.5/0.1), // 0.1 is at least a tenth of 0.9
			0.9*ln(0.9/(0.99/1.49)) + 0.1*ln(0.1/(0.5/1.49))}},
		{decode.ArgmaxStability, []float64{0, 1}},
	} {
		info, err := c.criterion.Info()
		if err != nil {
			t.Fatal(err)
		}
		m := measures[info.Measure](&Model{Config: cfg})
		m.start(states[0])
		for i, want := range c.want {
			if got := m.value(states[i+1], logits[i+1]); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s, check %d: %g, want %g", c.criterion, i+1, got, want)
			}
		}
	}
}
