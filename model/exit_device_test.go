package model

import (
	"context"
	"slices"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// TestFurtherCriterionOnDevice: one row in the table, with a kernel that there is, adds a criterion to the device too: tokens take
// the steps that they take in the reference, others than with the criterion whose kernel it shares.
func TestFurtherCriterionOnDevice(t *testing.T) {
	const deepest = 16
	kept := criteria
	defer func() { criteria = kept }()
	further := map[Criterion]CriterionInfo{ // by the criterion that shares the kernel
		Cosine:          {Name: "half-settled", Auto: 0.05, Help: "turn of the state, coarsely", measure: measureCosine, device: shaders.MeasureCosine},
		ArgmaxStability: {Name: "said-twice", Auto: 1, AtLeast: true, Help: "the same token twice", measure: measureArgmaxStability, probe: "argmax_stability"},
	}
	r := openReference(t, "C-f16")
	tokens := []int32{17, 251, 90, 4, 133, 208, 179, 42}
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		m, err := Open("../testdata/goldens/models/C-f16", d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for sibling, row := range further {
			criteria = append(slices.Clone(kept), row)
			s, err := m.NewSession(SessionOptions{Context: len(tokens), MaxSteps: deepest, Exits: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			steps := map[Criterion][]int{}
			for _, name := range []Criterion{row.Name, sibling} {
				if err := s.Rewind(0, 0); err != nil {
					t.Fatal(err)
				}
				steps[name] = stepsOf(t, s.Engine(context.Background()), tokens, name, deepest)
			}
			got, want := steps[row.Name], stepsOf(t, refSession(t, r, ReferenceOptions{}), tokens, row.Name, deepest)
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
func stepsOf(t *testing.T, e Engine, tokens []int32, criterion Criterion, deepest int) []int {
	t.Helper()
	exit, err := ParseExit(string(criterion), "auto")
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	_, err = Score(e, 0, Request{Prompt: tokens, Steps: deepest, Sampler: Sampler{Exit: &exit}}, func(s Scored) error {
		steps = append(steps, s.Steps)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}
