package trace

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"
)

// topCount is how many likely tokens a step keeps.
const topCount = 5

// predict is the entropy of softmax(logits) in nats, and the likeliest tokens; of equally likely ones, those of lower id.
// Log probabilities do as well as logits.
func predict(logits []float32, text func(id int32) []byte) (entropy float64, top []Candidate) {
	var best []int
	for id, l := range logits {
		if l != l || len(best) == topCount && l <= logits[best[topCount-1]] {
			continue
		}
		best = append(best[:min(len(best), topCount-1)], id)
		slices.SortStableFunc(best, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	}
	if len(best) == 0 {
		return math.NaN(), nil
	}
	peak := float64(logits[best[0]])
	var sum, weighted float64 // of e^x and x e^x, x being the logit less the largest
	for _, l := range logits {
		x := float64(l) - peak
		if e := math.Exp(x); e > 0 {
			sum += e
			weighted += x * e
		}
	}
	for _, id := range best {
		c := Candidate{ID: int32(id), Prob: round(math.Exp(float64(logits[id])-peak) / sum)}
		if text != nil {
			c.Text, c.Bytes = textOf(text(c.ID))
		}
		top = append(top, c)
	}
	return math.Max(math.Log(sum)-weighted/sum, 0), top
}

// textOf is a token as JSON can have it; the bytes too when that is not all.
func textOf(b []byte) (string, []byte) {
	if utf8.Valid(b) {
		return string(b), nil
	}
	return string([]rune(string(b))), b
}

// residual is norm(s - before) / norm(s): 0 for a state that stood still, even at zero.
func residual(before, s []float32) float64 {
	moved, _, norm := norms(before, s)
	if moved == 0 {
		return 0
	}
	return moved / norm
}

// norms are those of a - b, a and b.
func norms(a, b []float32) (between, na, nb float64) {
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		between += (x - y) * (x - y)
		na += x * x
		nb += y * y
	}
	return math.Sqrt(between), math.Sqrt(na), math.Sqrt(nb)
}
