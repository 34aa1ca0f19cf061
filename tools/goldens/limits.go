package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// The names of --limits.
const (
	float32Limits  = "float32"
	eightBitLimits = "8bit"
)

// The limits of the goldens' README for 8-bit weights in blocks of 32 on models whose weights use all bits: a row of
// logits' error relative to its norm, and the Kullback-Leibler divergence of its distribution.
const (
	eightBitError = 0.15
	eightBitKL    = 0.2
)

// checkLimits refuses limits that say nothing about a topic.
func (o *options) checkLimits() error {
	switch o.limits {
	case "", float32Limits:
		return nil
	case eightBitLimits:
	default:
		return fmt.Errorf("goldens: --limits %s: not known; use %s or %s", o.limits, float32Limits, eightBitLimits)
	}
	held := []string{"forward", "decode"}
	if len(o.topics) == 0 {
		o.topics = held
	}
	for _, t := range o.topics {
		if !slices.Contains(held, t) {
			return fmt.Errorf("goldens: --limits %s holds logits after given tokens, which topic %s does not have; use forward and decode", o.limits, t)
		}
	}
	return nil
}

// roundedRow compares a row of logits of an engine whose weights are rounded.
func (c *check) roundedRow(what string, got, want []float32) {
	w := float64s(want)
	relative := floats.Distance(float64s(got), w, 2) / floats.Norm(w, 2)
	if math.IsNaN(relative) {
		relative = math.MaxFloat64 // JSON has no NaN
	}
	c.worst = max(c.worst, relative)
	c.compared += len(got)
	if relative > c.limit {
		c.errorf("%s is off by %.2g of its norm", what, relative)
	}
	if kl := divergence(want, got); !(kl <= eightBitKL) {
		c.errorf("%s has a divergence of %.2g, limit %g", what, kl, eightBitKL)
	}
}

// divergence is KL(softmax(p) || softmax(q)).
func divergence(p, q []float32) float64 {
	logProbs := func(logits []float32) []float64 {
		list := float64s(logits)
		floats.AddConst(-floats.LogSumExp(list), list)
		return list
	}
	lp, lq := logProbs(p), logProbs(q)
	var kl float64
	for i := range lp {
		kl += math.Exp(lp[i]) * (lp[i] - lq[i])
	}
	return kl
}

func float64s(row []float32) []float64 {
	list := make([]float64, len(row))
	for i, v := range row {
		list[i] = float64(v)
	}
	return list
}
