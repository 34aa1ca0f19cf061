package score

import (
	"math"
	"strings"
	"testing"

	"muninn/model/decode"
)

// Log probabilities that are no numbers are an error, not a score.
func TestNoNumbers(t *testing.T) {
	part := Part{Tokens: []int32{1, 2, 3}, From: 1}
	for value, want := range map[float32]string{-1: "", float32(math.NaN()): "NaN", float32(math.Inf(-1)): "-Inf"} {
		scored := decode.Scored{LogProb: value, Top: []decode.Likely{{LogProb: value}}}
		r, err := resultOf(part, decode.Outcome{Prompt: []decode.Scored{{}, {LogProb: -1, Top: scored.Top}, scored}})
		if want == "" && (err != nil || r.LogLikelihood != -2) || want != "" && (err == nil || !strings.Contains(err.Error(), want+": the weights")) {
			t.Errorf("%g: %+v, %v", value, r, err)
		}
	}
}
