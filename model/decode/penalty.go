package decode

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

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

// MostBias is how many tokens Filters.Bias may have.
const MostBias = 1024

// within says which token of the bias a vocabulary does not have, if one.
func (s *Filters) within(vocabulary int) error {
	if s == nil {
		return nil
	}
	for token := range s.Bias {
		if token < 0 || int(token) >= vocabulary {
			return fmt.Errorf("model: %w: bias of token %d: the vocabulary has %d", ErrFilters, token, vocabulary)
		}
	}
	return nil
}

// penalised tells whether tokens that occurred are penalised at all. The reference asks this of the repetition penalty
// alone, so that a DRY multiplier beside a penalty of 1 does nothing.
func (s Filters) penalised() bool { return s.RepetitionPenalty != 0 && s.RepetitionPenalty != 1 }

// Edits lists what is done to logits for a sequence whose tokens so far are history, of which those from index begun on were
// generated: distinct tokens in rising order. The kernel edit.comp applies them on the device as Penalise does here.
func (s Filters) Edits(history []int32, begun int) []LogitEdit {
	scale, add := map[int32]float64{}, map[int32]float64{} // repetition first, then the rest
	switch {
	case !s.penalised():
	case s.DRYMultiplier > 0:
		for token, length := range repeats(history) {
			if length >= s.DRYAllowedLength {
				add[token] -= s.DRYMultiplier * math.Pow(s.DRYBase, float64(length-s.DRYAllowedLength))
			}
		}
	default:
		for _, token := range history {
			scale[token] = s.RepetitionPenalty
		}
	}
	if s.FrequencyPenalty != 0 || s.PresencePenalty != 0 {
		count := map[int32]int{}
		for _, token := range history[min(begun, len(history)):] {
			count[token]++
		}
		for token, n := range count {
			add[token] -= float64(n)*s.FrequencyPenalty + s.PresencePenalty
		}
	}
	for token, bias := range s.Bias {
		add[token] += float64(bias)
	}
	var edits []LogitEdit
	for token, by := range add {
		edits = append(edits, LogitEdit{token, float32(cmp.Or(scale[token], 1)), float32(by)})
	}
	for token, by := range scale {
		if _, ok := add[token]; !ok {
			edits = append(edits, LogitEdit{Token: token, Scale: float32(by)})
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

// Penalise applies Edits to one row of logits in place. Tokens outside the row are passed over.
func (s Filters) Penalise(logits []float32, history []int32, begun int) {
	for _, e := range s.Edits(history, begun) {
		if e.Token >= 0 && int(e.Token) < len(logits) {
			logits[e.Token] = e.Apply(logits[e.Token])
		}
	}
}
