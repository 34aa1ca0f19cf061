package plain

import (
	"cmp"
	"math"
	"slices"
)

// Likeliest returns the k likeliest tokens of logits that are numbers, the lowest token among equals first. Tokens at negative infinity,
// which cannot be, are left out.
func Likeliest(logits []float32, k int) []int {
	var order []int
	if k <= 0 {
		return nil
	}
	for i, l := range logits {
		switch {
		case math.IsInf(float64(l), -1):
			continue
		case len(order) < k:
		case l <= logits[order[k-1]]:
			continue
		default:
			order = order[:k-1]
		}
		at, _ := slices.BinarySearchFunc(order, l, func(j int, l float32) int {
			if logits[j] >= l {
				return -1
			}
			return 1
		})
		order = slices.Insert(order, at, i)
	}
	return order
}

// LogSum returns the largest logit, and the log of the sum of exp(logit - largest). Infinite ones do not meet as Inf - Inf.
func LogSum(logits []float32) (top, lse float64) {
	top = float64(slices.MaxFunc(logits, cmp.Compare[float32]))
	var sum float64
	for _, l := range logits {
		if float64(l) == top {
			sum++
		} else {
			sum += math.Exp(float64(l) - top)
		}
	}
	return top, math.Log(sum)
}

// LogProb is the log probability of a logit by what LogSum returns of its row.
func LogProb(logit float32, top, lse float64) float64 {
	if float64(logit) == top {
		return -lse
	}
	return float64(logit) - top - lse
}
