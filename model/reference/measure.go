package reference

import (
	"math"

	"muninn/model/arch"
	"muninn/model/decode"
)

// measure is a criterion at work on one ask, as the reference computes it. It remembers what the last check saw.
type measure interface {
	// start is given the states that the rows start from (S, d).
	start(states [][]float64)
	// value is that of a check: of the states (S, d), or of the last row's logits (V) if the criterion needs those.
	value(states [][]float64, logits []float64) float64
}

// measures are the criteria's, for a model of a shape.
var measures = map[decode.Measure]func(arch.Config) measure{
	decode.MeasureDiff: measureLatentDiff, decode.MeasureCosine: measureCosine, decode.MeasureAcceleration: measureAcceleration,
	decode.MeasureEntropyDiff: measureEntropyDiff, decode.MeasureKL: measureKL, decode.MeasureMinPKL: measureMinPKL, decode.MeasureArgmaxStability: measureArgmaxStability,
}

// stateMeasure takes the mean over rows of f(s, s', s”).
type stateMeasure struct {
	f           func(s, last, before []float64) float64
	last, older [][]float64
}

func (m *stateMeasure) start(states [][]float64) { m.last, m.older = states, states }

func (m *stateMeasure) value(states [][]float64, _ []float64) float64 {
	var sum float64
	for i, s := range states {
		sum += m.f(s, m.last[i], m.older[i])
	}
	m.last, m.older = states, m.last
	return sum / float64(len(states))
}

func measureLatentDiff(arch.Config) measure {
	return &stateMeasure{f: func(s, last, _ []float64) float64 { return norm(minus(s, last)) / norm(s) }}
}

func measureCosine(arch.Config) measure {
	return &stateMeasure{f: func(s, last, _ []float64) float64 {
		var product float64
		for i, v := range s {
			product += v * last[i]
		}
		return 1 - product/max(norm(s)*norm(last), cosineFloor)
	}}
}

// cosineFloor keeps the cosine with a zero state (init_scale 0) finite.
const cosineFloor = 1e-8

func measureAcceleration(arch.Config) measure {
	return &stateMeasure{f: func(s, last, older []float64) float64 {
		return norm(minus(minus(s, last), minus(last, older))) / norm(s)
	}}
}

// logitMeasure compares a distribution made of the logits with that of the last check.
type logitMeasure struct {
	of   func(logits []float64) []float64
	f    func(last, now []float64) float64
	last []float64
}

func (m *logitMeasure) start([][]float64) {}

func (m *logitMeasure) value(_ [][]float64, logits []float64) float64 {
	now := m.of(logits)
	value := m.f(m.last, now)
	m.last = now
	return value
}

func measureEntropyDiff(arch.Config) measure {
	return &logitMeasure{last: []float64{100},
		of: func(logits []float64) []float64 {
			var entropy float64
			for _, l := range logSoftmax(logits) {
				entropy -= math.Exp(l) * math.Log(math.Exp(l)+1e-10)
			}
			return []float64{entropy}
		},
		f: func(last, now []float64) float64 { return math.Abs(now[0] - last[0]) }}
}

func measureKL(c arch.Config) measure {
	return &logitMeasure{last: uniformLog(c.PaddedVocabSize), of: logSoftmax, f: klDivergence}
}

func measureMinPKL(c arch.Config) measure {
	return &logitMeasure{last: uniformLog(c.PaddedVocabSize), of: levelled, f: klDivergence}
}

// levelled: log-probabilities, with those below a tenth of the largest at 1/V, renormalised.
func levelled(logits []float64) []float64 {
	p := logSoftmax(logits)
	top := math.Inf(-1)
	for _, l := range p {
		top = max(top, l)
	}
	var sum float64
	for i, l := range p {
		if math.Exp(l) < 0.1*math.Exp(top) {
			p[i] = -math.Log(float64(len(p)))
		}
		sum += math.Exp(p[i])
	}
	for i := range p {
		p[i] -= math.Log(sum)
	}
	return p
}

// klDivergence is KL(p || q) of log-probabilities.
func klDivergence(p, q []float64) float64 {
	var kl float64
	for i, l := range p {
		kl += math.Exp(l) * (l - q[i])
	}
	return kl
}

func uniformLog(n int) []float64 {
	p := make([]float64, n)
	for i := range p {
		p[i] = -math.Log(float64(n))
	}
	return p
}

type argmaxMeasure struct{ token, kept int }

func measureArgmaxStability(arch.Config) measure { return &argmaxMeasure{token: -1} }

func (m *argmaxMeasure) start([][]float64) {}

func (m *argmaxMeasure) value(_ [][]float64, logits []float64) float64 {
	if token := decode.Argmax(narrow(logits)); token == m.token {
		m.kept++
	} else {
		m.token, m.kept = token, 0
	}
	return float64(m.kept)
}

func logSoftmax(logits []float64) []float64 {
	top := math.Inf(-1)
	for _, l := range logits {
		top = max(top, l)
	}
	var sum float64
	for _, l := range logits {
		sum += math.Exp(l - top)
	}
	p := make([]float64, len(logits))
	for i, l := range logits {
		p[i] = l - top - math.Log(sum)
	}
	return p
}

func norm(x []float64) float64 {
	var squares float64
	for _, v := range x {
		squares += v * v
	}
	return math.Sqrt(squares)
}

func minus(x, y []float64) []float64 {
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	return d
}
