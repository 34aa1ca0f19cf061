package decode

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"muninn/shaders/plain"
)

// ErrFilters is wrapped by every error of Filters.Validate.
var ErrFilters = errors.New("bad sampling options")

// Filters is how a token is picked from a row of logits, in the reference's order: penalties, temperature,
// softmax, top-k, top-p, min-p, renormalise, draw. A zero field is a filter that is off, so the zero value
// draws from the plain softmax.
type Filters struct {
	Greedy            bool    // largest logit after the penalties; the filters are not used
	Temperature       float64 // divides the logits; 0 is off and does not mean greedy
	TopK              int     // keeps the k largest and whatever equals the k-th
	TopP              float64 // keeps the largest while their sum stays within it, always the first; 0 and 1 are off
	MinP              float64 // drops what is below this share of the largest
	RepetitionPenalty float64 // for each distinct token of the history; 0 and 1 are off
	DRYMultiplier     float64 // above 0 the DRY penalty takes the place of the repetition penalty
	DRYBase           float64
	DRYAllowedLength  int    // tokens; shorter repeats are free
	Seed              uint64 // of the draws and the initial states, by way of SequenceKey
}

type optionCheck struct {
	ok   bool
	name string
	got  any
	want string
}

// Validate says which option is out of range. The error wraps ErrFilters.
func (s Filters) Validate() error {
	inRange := func(v, lo, hi float64) bool { return v >= lo && v <= hi } // false for NaN
	const most = math.MaxFloat32
	checks := []optionCheck{
		{inRange(s.Temperature, 0, most), "temperature", s.Temperature, "0 (off) or more"},
		{s.TopK >= 0, "top-k", s.TopK, "0 (off) or more"},
		{inRange(s.TopP, 0, 1), "top-p", s.TopP, "0 (off) to 1"},
		{inRange(s.MinP, 0, 1), "min-p", s.MinP, "0 (off) to 1"},
		{inRange(s.RepetitionPenalty, 0, most), "repetition penalty", s.RepetitionPenalty, "above 0 (1 is off)"},
		{inRange(s.DRYMultiplier, 0, most), "dry multiplier", s.DRYMultiplier, "0 (off) or more"},
	}
	if s.DRYMultiplier > 0 {
		checks = append(checks,
			optionCheck{inRange(s.DRYBase, math.SmallestNonzeroFloat32, most), "dry base", s.DRYBase, "above 0"},
			optionCheck{s.DRYAllowedLength >= 1, "dry allowed length", s.DRYAllowedLength, "1 or more"},
			optionCheck{s.penalised(), "repetition penalty", s.RepetitionPenalty, "other than 1 beside a dry multiplier, which has no effect at 1"})
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("model: %w: %s is %v, want %s", ErrFilters, c.name, c.got, c.want)
		}
	}
	return nil
}

// penalised tells whether the logits are changed at all. The reference asks this of the repetition penalty
// alone, so that a DRY multiplier beside a penalty of 1 does nothing.
func (s Filters) penalised() bool { return s.RepetitionPenalty != 0 && s.RepetitionPenalty != 1 }

// Argmax is the first token with the largest logit, or -1 when no logit is a number.
func Argmax(logits []float32) int {
	best := -1
	for i, l := range logits {
		if l == l && (best < 0 || l > logits[best]) {
			best = i
		}
	}
	return best
}

// Probabilities is the distribution a token is drawn from: softmax and filters over one row of penalised
// logits, summing to 1. A logit that is not a number has probability 0; when none is a number, all are 0.
func (s Filters) Probabilities(logits []float32) []float64 {
	p := make([]float64, len(logits))
	top := Argmax(logits)
	if top < 0 {
		return p
	}
	if s.Greedy {
		p[top] = 1
		return p
	}
	scale := 1.0
	if s.Temperature > 0 {
		scale = 1 / s.Temperature
	}
	w, order := plain.Weights(logits, scale)
	kept, sum := s.kept(w, order), 0.0
	for _, token := range order[:kept] {
		sum += w[token]
	}
	for _, token := range order[:kept] {
		p[token] = w[token] / sum
	}
	return p
}

func (s Filters) kept(w []float64, order []int) int {
	return plain.Filters{TopK: s.TopK, TopP: s.TopP, MinP: s.MinP}.Kept(w, order)
}

// DRY looks for repeats among the last dryWindow tokens and counts at most dryLongest of a run.
const (
	dryWindow  = 128
	dryLongest = 32
)

// LogitEdit changes the logit l of one token to (l < 0 ? l * Scale : l / Scale) + Add.
type LogitEdit struct {
	Token      int32
	Scale, Add float32
}

// Apply is the changed logit.
func (e LogitEdit) Apply(l float32) float32 {
	if l < 0 {
		return l*e.Scale + e.Add
	}
	return l/e.Scale + e.Add
}

// Edits lists the penalties for a sequence whose tokens so far are history, prompt included: distinct tokens
// in rising order. The kernel edit.comp applies them on the device as Penalise does here.
func (s Filters) Edits(history []int32) []LogitEdit {
	if !s.penalised() {
		return nil
	}
	var edits []LogitEdit
	if s.DRYMultiplier > 0 {
		for token, length := range repeats(history) {
			if length >= s.DRYAllowedLength {
				penalty := s.DRYMultiplier * math.Pow(s.DRYBase, float64(length-s.DRYAllowedLength))
				edits = append(edits, LogitEdit{Token: token, Scale: 1, Add: float32(-penalty)})
			}
		}
	} else {
		seen := make(map[int32]bool)
		for _, token := range history {
			if !seen[token] {
				seen[token] = true
				edits = append(edits, LogitEdit{Token: token, Scale: float32(s.RepetitionPenalty)})
			}
		}
	}
	slices.SortFunc(edits, func(a, b LogitEdit) int { return int(a.Token) - int(b.Token) })
	return edits
}

// repeats gives, for each token that would go on with a repeat, the repeat's length with that token. As the
// reference codes DRY, a repeat is a mirrored one: tokens read forward from some start equal the tokens read
// backward from the end.
func repeats(history []int32) map[int32]int {
	longest := make(map[int32]int)
	n := len(history)
	for start := max(0, n-dryWindow); start < n-1; start++ {
		run := 0
		for run < dryLongest && start+run < n && history[start+run] == history[n-1-run] {
			run++
		}
		if run > 0 && start+run < n {
			next := history[start+run]
			longest[next] = max(longest[next], run+1)
		}
	}
	return longest
}

// Penalise applies Edits(history) to one row of logits in place. Tokens outside the row are passed over.
func (s Filters) Penalise(logits []float32, history []int32) {
	for _, e := range s.Edits(history) {
		if e.Token >= 0 && int(e.Token) < len(logits) {
			logits[e.Token] = e.Apply(logits[e.Token])
		}
	}
}
