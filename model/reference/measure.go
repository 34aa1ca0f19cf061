package reference

import (
	"muninn/model/decode"
	"muninn/shaders/plain"
)

// measure is a criterion at work on one task, as the reference computes it. It remembers what the last check saw.
type measure interface {
	// start is given the states that the rows start from (S, d).
	start(states [][]float64)
	// value is that of a check: of the states (S, d), or of the last row's logits (V) if the criterion needs those.
	value(states [][]float64, logits []float64) float64
}

// measures are the criteria's, of a model.
var measures = map[decode.Measure]func(*Model) measure{
	decode.MeasureDiff:            onState(plain.Change.Diff),
	decode.MeasureCosine:          onState(plain.Change.Cosine),
	decode.MeasureAcceleration:    onState(plain.Change.Acceleration),
	decode.MeasureEntropyDiff:     func(*Model) measure { return logitMeasure{plain.EntropyDiff()} },
	decode.MeasureKL:              func(r *Model) measure { return logitMeasure{plain.KL(r.Config.PaddedVocabSize)} },
	decode.MeasureMinPKL:          func(r *Model) measure { return logitMeasure{plain.MinPKL(r.Config.PaddedVocabSize)} },
	decode.MeasureArgmaxStability: func(*Model) measure { return logitMeasure{plain.ArgmaxStability()} },
	decode.MeasureGate:            func(r *Model) measure { return gateMeasure{r.exitGate(1)} },
}

// stateMeasure takes the mean over rows of what f makes of their change.
type stateMeasure struct {
	f           func(plain.Change) float64
	last, older [][]float64
}

func onState(f func(plain.Change) float64) func(*Model) measure {
	return func(*Model) measure { return &stateMeasure{f: f} }
}

func (m *stateMeasure) start(states [][]float64) { m.last, m.older = states, states }

func (m *stateMeasure) value(states [][]float64, _ []float64) float64 {
	var sum float64
	for i, s := range states {
		change, _ := plain.Changed(s, m.last[i], m.older[i])
		sum += m.f(change)
	}
	m.last, m.older = states, m.last
	return sum / float64(len(states))
}

type logitMeasure struct{ plain.LogitCriterion }

func (m logitMeasure) start([][]float64) {}

func (m logitMeasure) value(_ [][]float64, logits []float64) float64 {
	value, _ := m.LogitCriterion(logits)
	return value
}
