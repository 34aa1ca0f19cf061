package plain

import (
	"cmp"
	"math"
	"slices"
)

// Filters leave tokens of a distribution: a zero field is a filter that is off.
type Filters struct {
	TopK int     // keeps the k largest and whatever equals the k-th
	TopP float64 // keeps the largest while their sum stays within this share, always the first; 1 is off too
	MinP float64 // drops what is below this share of the largest
}

// Weights returns softmax(logits times inverseTemperature) over its largest, and the tokens from the largest value down, equal
// ones in vocabulary order. A logit that is not a number has weight 0.
func Weights[F Float](logits []F, inverseTemperature float64) (w []float64, order []int) {
	top := math.Inf(-1)
	for _, l := range logits {
		if l == l {
			top = max(top, float64(l))
		}
	}
	w, order = make([]float64, len(logits)), make([]int, len(logits))
	for i, l := range logits {
		order[i] = i
		switch v := float64(l); {
		case v == top: // apart, so that infinite logits do not meet as Inf - Inf
			w[i] = 1
		case v == v:
			w[i] = math.Exp((v - top) * inverseTemperature)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w[b], w[a]) })
	return w, order
}

// Kept returns how many tokens, from the first of the order on, the filters leave. One after the other: top-k; top-p, which runs
// over the values from the largest down, as they were before anything was dropped or renormalised, and drops the token that
// crosses its share (of equal ones at the edge the first in vocabulary order stay); min-p.
func (f Filters) Kept(w []float64, order []int) int {
	n := len(order)
	if f.TopK > 0 && f.TopK < n {
		for n > f.TopK && w[order[n-1]] < w[order[f.TopK-1]] {
			n--
		}
	}
	if f.TopP > 0 && f.TopP < 1 {
		var all, sum float64
		for _, v := range w {
			all += v
		}
		for i, token := range order[:n] {
			if sum += w[token]; sum > f.TopP*all && i > 0 {
				n = i
				break
			}
		}
	}
	for n > 1 && f.MinP > 0 && w[order[n-1]] < f.MinP*w[order[0]] {
		n--
	}
	return n
}

// Draw returns the first token in vocabulary order whose running sum of the weights exceeds u of the whole, u in [0, 1); the
// last with a weight where rounding leaves none, and -1 when all are 0.
func Draw(w []float64, u float64) int {
	var total, sum float64
	for _, v := range w {
		total += v
	}
	last := -1
	for i, v := range w {
		if v > 0 {
			last = i
		}
		if sum += v; sum > u*total {
			return i
		}
	}
	return last
}
