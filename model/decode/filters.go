package decode

import (
	"errors"
	"fmt"
	"math"
	"slices"
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
	var sum float64
	for i, l := range logits {
		switch {
		case l == logits[top]: // apart, so that infinite logits do not meet as Inf - Inf
			p[i] = 1
		case l == l:
			p[i] = math.Exp((float64(l) - float64(logits[top])) * scale)
		}
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	keep := s.Threshold(p)
	sum = 0
	for i, v := range p {
		if v < keep.Tau || v == keep.Tau && keep.Ties == 0 {
			p[i] = 0
			continue
		}
		if v == keep.Tau {
			keep.Ties--
		}
		sum += v
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Threshold is what the filters keep of a distribution, without an order of tokens: each token with p > Tau,
// and of those with p == Tau the first Ties in vocabulary order. Only top-p can keep some of several equal
// values and drop others; the reference leaves open which, and the choice here is that of a stable sort.
// A strategy that finds Tau by bisection instead of sorting (sample.comp) keeps the same set.
type Threshold struct {
	Tau  float64
	Ties int
}

// Threshold finds what top-k, top-p and min-p keep of p, which sums to 1.
func (s Filters) Threshold(p []float64) Threshold {
	v := slices.Clone(p)
	slices.SortFunc(v, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	n := len(v) // v[:n] is kept; every filter cuts the sorted values somewhere
	if n == 0 {
		return Threshold{}
	}
	if s.TopK > 0 && s.TopK < n {
		for n > s.TopK && v[n-1] < v[s.TopK-1] {
			n--
		}
	}
	if s.TopP > 0 && s.TopP < 1 {
		sum := 0.0
		for i := range n {
			sum += v[i] // of values that top-k left but that are not renormalised
			if sum > s.TopP && i > 0 {
				n = i
				break
			}
		}
	}
	if s.MinP > 0 {
		for n > 1 && v[n-1] < s.MinP*v[0] {
			n--
		}
	}
	t := Threshold{Tau: v[n-1]}
	for n > 0 && v[n-1] == t.Tau {
		t.Ties++
		n--
	}
	return t
}

// Draw picks the first token at which the running sum of probs, in vocabulary order, exceeds u of its total;
// u is in [0, 1). It is -1 when all probs are 0.
func Draw(probs []float64, u float64) int {
	var total float64
	for _, p := range probs {
		total += p
	}
	last, sum := -1, 0.0
	for i, p := range probs {
		if p > 0 {
			last = i
		}
		if sum += p; sum > u*total {
			return i
		}
	}
	return last
}
