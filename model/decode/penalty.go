package decode

import (
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
