package main

import (
	"fmt"
	"math"
	"slices"
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
	var off2, want2 float64
	for i := range got {
		d := float64(got[i]) - float64(want[i])
		off2 += d * d
		want2 += float64(want[i]) * float64(want[i])
	}
	relative := math.Sqrt(off2 / want2)
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
	logSum := func(x []float32) float64 {
		top := float64(slices.Max(x))
		var sum float64
		for _, v := range x {
			sum += math.Exp(float64(v) - top)
		}
		return top + math.Log(sum)
	}
	lp, lq := logSum(p), logSum(q)
	var kl float64
	for i := range p {
		a := float64(p[i]) - lp
		kl += math.Exp(a) * (a - (float64(q[i]) - lq))
	}
	return kl
}
