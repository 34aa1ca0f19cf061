package decode

import (
	"math"
	"slices"
	"testing"
)

func TestEdits(t *testing.T) {
	got := Filters{RepetitionPenalty: 1.5}.Edits([]int32{9, 2, 9, 4}, 0)
	want := []LogitEdit{{2, 1.5, 0}, {4, 1.5, 0}, {9, 1.5, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("repetition: %v, want %v", got, want)
	}
	for _, s := range []Filters{{}, {RepetitionPenalty: 1}, {RepetitionPenalty: 1, DRYMultiplier: 1, DRYBase: 2, DRYAllowedLength: 1}} {
		if got := s.Edits([]int32{1, 1, 1}, 0); got != nil {
			t.Errorf("%+v: %v, want no edits", s, got)
		}
	}
	dry := Filters{RepetitionPenalty: 1.1, DRYMultiplier: 0.5, DRYBase: 2, DRYAllowedLength: 2}
	// 1 2 read forward equals 1 2 read backward from the end; 5 follows, as a repeat of 3: 0.5 * 2^(3-2).
	// The start at 2 and at the last 2 match nothing.
	if got, want := dry.Edits([]int32{1, 2, 5, 7, 2, 1}, 0), []LogitEdit{{5, 1, -1}}; !slices.Equal(got, want) {
		t.Errorf("dry: %v, want %v", got, want)
	}
	// 1 2 5 repeats the end for longer than the later 1 5: the longer one counts.
	if got, want := dry.Edits([]int32{1, 2, 5, 1, 5, 7, 2, 1}, 0), []LogitEdit{{5, 1, -1}}; !slices.Equal(got, want) {
		t.Errorf("dry with two repeats: %v, want %v", got, want)
	}
	if got := dry.Edits(nil, 0); got != nil {
		t.Errorf("dry without history: %v", got)
	}
	// Only the last 128 tokens are searched, and a run counts 32 at most.
	same := slices.Repeat([]int32{3}, 200)
	if got, want := dry.Edits(same, 0), []LogitEdit{{3, 1, float32(-0.5 * math.Pow(2, 31))}}; !slices.Equal(got, want) {
		t.Errorf("dry of one token 200 times: %v, want %v", got, want)
	}
	far := append([]int32{1, 2, 5}, append(slices.Repeat([]int32{8, 9}, 64), 2, 1)...)
	if got := dry.Edits(far, 0); len(got) != 0 {
		t.Errorf("dry looked further back than 128 tokens: %v", got)
	}
	logits := []float32{-1, 1, 1}
	Filters{RepetitionPenalty: 2}.Penalise(logits, []int32{0, 1, 99, -1}, 0)
	if want := []float32{-2, 0.5, 1}; !slices.Equal(logits, want) {
		t.Errorf("penalised %v, want %v", logits, want)
	}
}

// Penalties of frequency and presence are taken off for what was generated alone, a bias is added to any token, and what a repetition penalty
// scales is scaled first.
func TestGeneratedPenalties(t *testing.T) {
	s := Filters{FrequencyPenalty: 0.5, PresencePenalty: 0.25, Bias: map[int32]float32{1: -100, 4: 2}}
	history := []int32{7, 4, 7, 4, 7, 7, 2}
	if got, want := s.Edits(history, 3), []LogitEdit{{1, 1, -100}, {2, 1, -0.75}, {4, 1, 2 - 0.75}, {7, 1, -1.25}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := s.Edits(history, 9); len(got) != 2 {
		t.Errorf("nothing generated: %v", got)
	}
	s.RepetitionPenalty = 2
	logits := []float32{0, 3, 6, 5, -2, 5, 5, 8}
	s.Penalise(logits, history, 3)
	if want := []float32{0, -97, 2.25, 5, -2.75, 5, 5, 2.75}; !slices.Equal(logits, want) {
		t.Errorf("%v, want %v", logits, want)
	}
}
