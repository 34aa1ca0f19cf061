package plain

import (
	"math"
	"slices"
)

// Change is how a state s changed against the one looked at before, s', and the one before that, s”: sums over its elements.
type Change struct {
	Now    float64 // s^2
	Before float64 // s'^2
	Both   float64 // s s'
	First  float64 // (s - s')^2
	Second float64 // (s - 2 s' + s'')^2
}

// Changed returns the change of s, and how large each sum is when terms do not cancel.
func Changed(s, last, before []float64) (c, size Change) {
	for i, v := range s {
		l, d, e := last[i], v-last[i], v-2*last[i]+before[i]
		around := math.Abs(v) + math.Abs(l) + math.Abs(before[i])
		c.Now, c.Before, c.Both = c.Now+v*v, c.Before+l*l, c.Both+v*l
		c.First, c.Second = c.First+d*d, c.Second+e*e
		size.Both, size.First = size.Both+math.Abs(v*l), size.First+around*around
	}
	size.Second = 4 * size.First
	return c, size
}

// least keeps quotients with a zero state finite, leastCosine the cosine with one (init_scale 0).
const (
	least       = 1e-37
	leastCosine = 1e-8
)

// Diff returns norm(s - s') / norm(s).
func (c Change) Diff() float64 { return math.Sqrt(c.First / max(c.Now, least)) }

// Cosine returns 1 - cosine(s, s') = ((s - s')^2 - (|s| - |s'|)^2) / (2 |s| |s'|): the difference itself would leave float32 few
// digits where the cosine is near 1.
func (c Change) Cosine() float64 {
	now, before := math.Sqrt(c.Now), math.Sqrt(c.Before)
	if now*before < leastCosine {
		return 1 - c.Both/leastCosine
	}
	return (c.First - (now-before)*(now-before)) / (2 * now * before)
}

// Acceleration returns norm(s - 2 s' + s”) / norm(s).
func (c Change) Acceleration() float64 { return math.Sqrt(c.Second / max(c.Now, least)) }

// LogitCriterion takes a row of logits at each check, and remembers what the last one saw. It returns the criterion's value, and how
// large it is when terms do not cancel.
type LogitCriterion func(logits []float64) (value, size float64)

// EntropyDiff measures the change of the distribution's entropy.
func EntropyDiff() LogitCriterion {
	last := 100.0
	return func(logits []float64) (value, size float64) {
		var now float64
		for _, l := range LogSoftmax(logits) {
			now -= math.Exp(l) * math.Log(math.Exp(l)+1e-10)
		}
		value, size = math.Abs(now-last), 1+math.Abs(now)+math.Abs(last) // 1: of probabilities that are rounded
		last = now
		return value, size
	}
}

// KL measures the divergence of the distribution from that of the last check, which is uniform before the first.
func KL(vocabulary int) LogitCriterion { return divergence(LogSoftmax, vocabulary) }

// MinPKL is KL of distributions with what is below a tenth of the largest levelled.
func MinPKL(vocabulary int) LogitCriterion { return divergence(levelled, vocabulary) }

// divergence is KL(last || now), by the logarithms of what `of` makes of the logits.
func divergence(of func([]float64) []float64, vocabulary int) LogitCriterion {
	last := slices.Repeat([]float64{-math.Log(float64(vocabulary))}, vocabulary)
	return func(logits []float64) (value, size float64) {
		now := of(logits)
		for i, l := range last {
			value += math.Exp(l) * (l - now[i])
			size += math.Exp(l) * (math.Abs(l) + math.Abs(now[i]))
		}
		last = now
		return value, size
	}
}

// ArgmaxStability counts the checks in a row that kept the likeliest token in float32, the lowest of equals.
func ArgmaxStability() LogitCriterion {
	last, kept := -1, 0
	return func(logits []float64) (value, size float64) {
		token := 0
		for i, l := range logits {
			if float32(l) > float32(logits[token]) {
				token = i
			}
		}
		if kept++; token != last {
			last, kept = token, 0
		}
		return float64(kept), 0
	}
}

// LogSoftmax returns the logarithms of softmax(logits).
func LogSoftmax(logits []float64) []float64 {
	y := slices.Clone(logits)
	top := slices.Max(y)
	for i := range y {
		y[i] -= top
	}
	return normalised(y)
}

// levelled returns the same with probabilities below a tenth of the largest set to one in the vocabulary, and all renormalised.
func levelled(logits []float64) []float64 {
	y := LogSoftmax(logits)
	least := slices.Max(y) + math.Log(0.1)
	for i := range y {
		if y[i] < least {
			y[i] = -math.Log(float64(len(y)))
		}
	}
	return normalised(y)
}

// normalised has the exponentials of y add up to 1, in place.
func normalised(y []float64) []float64 {
	var sum float64
	for _, l := range y {
		sum += math.Exp(l)
	}
	for i := range y {
		y[i] -= math.Log(sum)
	}
	return y
}

// ExitGate is what a gate has made of a row since its run of core steps began.
type ExitGate struct {
	Survival float64 // how likely the row is still there
	Exits    float64 // how likely it left at the last step
	CDF      float64 // how likely it has left by now
	Logit    float64 // at the last step
}

// NewExitGate returns the gate of a row before its first step.
func NewExitGate() ExitGate { return ExitGate{Survival: 1} }

// Step counts a step: the row leaves with the probability sigmoid(logit); at the last step of the run with certainty.
func (g *ExitGate) Step(logit float64, last bool) {
	leaves := 1 / (1 + math.Exp(-logit))
	g.Logit, g.Exits = logit, g.Survival*leaves
	if last {
		g.Exits = g.Survival
	}
	g.CDF += g.Exits
	g.Survival *= 1 - leaves
}
