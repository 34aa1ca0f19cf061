package decode

import (
	"errors"
	"fmt"
	"math"

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
	DRYAllowedLength  int               // tokens; shorter repeats are free
	FrequencyPenalty  float64           // taken off a token's logit for each time it was generated; the prompt does not count
	PresencePenalty   float64           // taken off once if it was generated
	Bias              map[int32]float32 // added to logits of tokens, MostBias at most
	Seed              uint64            // of the draws and the initial states, by way of SequenceKey
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
		{inRange(s.FrequencyPenalty, -most, most), "frequency penalty", s.FrequencyPenalty, "a number; 0 is off"},
		{inRange(s.PresencePenalty, -most, most), "presence penalty", s.PresencePenalty, "a number; 0 is off"},
		{len(s.Bias) <= MostBias, "bias", len(s.Bias), fmt.Sprintf("%d tokens at most", MostBias)},
	}
	if s.DRYMultiplier > 0 {
		checks = append(checks,
			optionCheck{inRange(s.DRYBase, math.SmallestNonzeroFloat32, most), "dry base", s.DRYBase, "above 0"},
			optionCheck{s.DRYAllowedLength >= 1, "dry allowed length", s.DRYAllowedLength, "1 or more"},
			optionCheck{s.penalised(), "repetition penalty", s.RepetitionPenalty, "other than 1 beside a dry multiplier, which has no effect at 1"})
	}
	for token, bias := range s.Bias {
		checks = append(checks, optionCheck{inRange(float64(bias), -most, most), fmt.Sprintf("bias of token %d", token), bias, "a number"})
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("model: %w: %s is %v, want %s", ErrFilters, c.name, c.got, c.want)
		}
	}
	return nil
}

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
