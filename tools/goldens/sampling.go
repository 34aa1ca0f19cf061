package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"muninn/model/decode"
)

// samplingLimit: the reference computes in float32, where a softmax is good to a few units in the last place of values up
// to 1, and a penalty rounds once.
const samplingLimit = 1e-6

// samplingCase is what is left of rows of logits after penalties and filters.
type samplingCase struct {
	Name              string
	Logits            string
	History           [][]int32
	Temperature       float64
	TopK              int     `json:"top_k"`
	TopP              float64 `json:"top_p"`
	MinP              float64 `json:"min_p"`
	RepetitionPenalty float64 `json:"repetition_penalty"`
	DRYMultiplier     float64 `json:"dry_multiplier"`
	DRYBase           float64 `json:"dry_base"`
	DRYAllowedLength  int     `json:"dry_allowed_length"`
	Probs             string
	Kept              []int  // tokens with a probability above 0, by row
	Penalised         string `json:"penalised_logits"`
}

func (s samplingCase) title() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Probs
}

func (s samplingCase) run(_ *loaded, ts tensors, c *check) {
	c.limit = samplingLimit
	given, ok := ts[s.Logits]
	if !ok {
		c.fatalf("the file has no tensor %q", s.Logits)
	}
	options := decode.Filters{Temperature: s.Temperature, TopK: s.TopK, TopP: s.TopP, MinP: s.MinP, RepetitionPenalty: s.RepetitionPenalty,
		DRYMultiplier: s.DRYMultiplier, DRYBase: s.DRYBase, DRYAllowedLength: s.DRYAllowedLength}
	need(options.Validate())
	if len(s.History) != len(given) || s.Kept != nil && len(s.Kept) != len(given) {
		c.fatalf("%d histories and %d counts for %d rows of %s", len(s.History), len(s.Kept), len(given), s.Logits)
	}
	for i, row := range given {
		row = slices.Clone(row)
		options.Penalise(row, s.History[i], 0)
		if s.Penalised != "" {
			want := must(ts.get(s.Penalised, len(given), len(row)))
			c.limit = max(c.limit, samplingLimit*floats.Norm(float64s(want[i]), math.Inf(1)))
			c.row(fmt.Sprintf("%s row %d", s.Penalised, i), row, want[i])
		}
		if s.Probs == "" {
			continue
		}
		want := must(ts.get(s.Probs, len(given), len(row)))
		probs, kept := make([]float32, len(row)), 0
		for j, p := range options.Probabilities(row) {
			probs[j] = float32(p)
			if p > 0 {
				kept++
			}
		}
		c.row(fmt.Sprintf("%s row %d", s.Probs, i), probs, want[i])
		if s.Kept != nil && kept != s.Kept[i] {
			c.errorf("%s row %d: %d tokens kept, want %d", s.Probs, i, kept, s.Kept[i])
		}
	}
}
