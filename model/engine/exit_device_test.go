package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/reference"
	"muninn/vk"
	"muninn/vk/vktest"
)

// TestFurtherCriterionOnDevice: one row in the table, with a kernel that there is, adds a criterion to the device too: tokens take
// the steps that they take in the reference, others than with the criterion whose kernel it shares.
func TestFurtherCriterionOnDevice(t *testing.T) {
	const deepest = 16
	kept := decode.Criteria
	defer func() { decode.Criteria = kept }()
	further := map[decode.Criterion]decode.CriterionInfo{ // by the criterion that shares the kernel
		decode.Cosine:          {Name: "half-settled", Auto: 0.05, ID: 8, Measure: decode.MeasureCosine},
		decode.ArgmaxStability: {Name: "said-twice", Auto: 1, AtLeast: true, ID: 9, Measure: decode.MeasureArgmaxStability},
	}
	r := openReference(t, golden.Model(t, "C-f16"))
	tokens := []int32{17, 251, 90, 4, 133, 208, 179, 42}
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		m := open(t, d, golden.Model(t, "C-f16"), engine.LoadOptions{})
		for sibling, row := range further {
			decode.Criteria = append(slices.Clone(kept), row)
			s, err := m.NewSession(engine.SessionOptions{Context: len(tokens), MaxSteps: deepest, Exits: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			steps := map[decode.Criterion][]int{}
			for _, name := range []decode.Criterion{row.Name, sibling} {
				if err := s.Rewind(0, 0); err != nil {
					t.Fatal(err)
				}
				steps[name] = stepsOf(t, s.Engine(context.Background()), tokens, name, deepest)
			}
			got, want := steps[row.Name], stepsOf(t, refSessionOf(t, r), tokens, row.Name, deepest)
			if !slices.Equal(got, want) {
				t.Errorf("%s: tokens take %v steps, in the reference %v", row.Name, got, want)
			}
			if slices.Max(got) == deepest || slices.Max(got) == slices.Min(got) {
				t.Errorf("%s: tokens take %v steps of %d: want an exit from each, not always the same", row.Name, got, deepest)
			}
			if slices.Equal(got, steps[sibling]) {
				t.Errorf("%s: tokens take %v steps, the same as with %s", row.Name, got, sibling)
			}
		}
	})
}

// stepsOf runs tokens one by one with a criterion and gives the core steps that each took.
func stepsOf(t *testing.T, e decode.Engine, tokens []int32, criterion decode.Criterion, deepest int) []int {
	t.Helper()
	exit, err := decode.ParseExit(string(criterion), "auto")
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	for _, token := range tokens {
		a := &decode.Task{Rows: []decode.TaskRow{{Pos: e.Pos(0), Token: token, Begin: true}}, Steps: deepest, Exit: &exit, Outputs: 1}
		if err := e.Do(a); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, a.Choices[0].Steps)
	}
	return steps
}

func refSessionOf(t *testing.T, r *reference.Model) *reference.Session {
	t.Helper()
	s, err := r.NewSession(reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
