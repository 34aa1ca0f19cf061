package reference

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"muninn/model/decode"
	"muninn/shaders/plain"
)

// choose picks the tokens that follow the outputs.
// steps are those that the rows were read at, nil: the last that they took.
func (s *Session) choose(q *refSequence, a *decode.Task, steps []int, logits [][]float64) error {
	rows := narrowRows(logits)
	if a.Logits != nil {
		a.Logits(rows)
	}
	a.Choices, a.Below, a.LogProbs = nil, nil, nil
	for i, row := range rows {
		n := len(a.Rows) - len(rows) + i
		taken := a.Taken
		if steps != nil {
			taken = steps[n]
		}
		pick := a.Pick
		if a.Score && i < len(rows)-1 {
			pick = nil
		}
		c, penalised, err := s.choice(q, a, pick, a.Rows[n].Pos, row)
		if err != nil {
			return err
		}
		c.Steps = a.Rows[n].Step + taken
		likely := logProbs(row)
		c.LogProb = likely(int(c.Token))
		for _, token := range plain.Likeliest(row, a.Top) {
			c.Top = append(c.Top, decode.Likely{Token: int32(token), LogProb: likely(token)})
		}
		a.Choices = append(a.Choices, c)
		if a.Given != nil {
			a.Below = append(a.Below, slices.Max(penalised)-penalised[a.Given[i]])
			a.LogProbs = append(a.LogProbs, likely(int(a.Given[i])))
		}
	}
	return nil
}

// logProbs are the log probabilities of a row's tokens.
func logProbs(row []float32) func(token int) float32 {
	top, lse := plain.LogSum(row)
	return func(token int) float32 { return float32(plain.LogProb(row[token], top, lse)) }
}

// choice picks a token from a row of logits, and gives these as they are after penalties.
func (s *Session) choice(q *refSequence, a *decode.Task, pick *decode.Filters, pos int, row []float32) (c decode.Choice, penalised []float32, err error) {
	row = slices.Clone(row)
	if pick != nil {
		pick.Penalise(row, q.tokens[:pos+1], a.Begun)
	}
	top, kept := decode.Argmax(row), 1
	if top < 0 || len(row) > 1 && slices.Min(row) == slices.Max(row) {
		return c, row, fmt.Errorf("model: the logits after position %d of sequence %d hold no number or are all equal", pos, a.Seq)
	}
	token := top
	if pick != nil && !pick.Greedy {
		probs := pick.Probabilities(row)
		token = plain.Draw(probs, decode.Uniform(decode.SequenceKey(pick.Seed, q.setting.Stream), pos))
		kept = floats.Count(func(p float64) bool { return p != 0 }, probs)
	}
	second := math.Inf(-1)
	for j, l := range row {
		if j != top {
			second = max(second, float64(l))
		}
	}
	return decode.Choice{Seq: a.Seq, Pos: pos, Token: int32(token), Logit: row[token], Margin: float32(float64(row[top]) - second), Kept: kept}, row, nil
}

// compare measures how far the states have come.
func (s *Session) compare(q *refSequence, a *decode.Task, starts, state [][]float64) {
	a.Changes = nil
	var deltas [][]float64
	for i := 0; a.Compare != decode.CompareNone && i+a.Shift < len(state); i++ {
		d := minus(state[i], starts[i+a.Shift])
		deltas = append(deltas, d)
		switch {
		case a.Compare == decode.CompareDifference, !q.compared:
			a.Changes = append(a.Changes, float32(norm(d)/norm(state[i])))
		case i < len(q.deltas):
			a.Changes = append(a.Changes, float32(norm(minus(d, q.deltas[i]))/norm(state[i])))
		}
	}
	q.deltas, q.compared = deltas, a.Compare != decode.CompareNone
}

// refExit watches a task's steps.
type refExit struct {
	exit    *decode.Exit
	steps   int
	measure measure
	logits  bool
	left    int // steps from the one that met the threshold on; 0: it is not met
}

func (s *Session) newExit(a *decode.Task, starts [][]float64) *refExit {
	if !a.Adaptive() {
		return &refExit{}
	}
	info, _ := a.Exit.Criterion.Info() // the task has been checked
	m := measures[info.Measure](s.r)
	m.start(starts)
	return &refExit{exit: a.Exit, steps: a.Steps, measure: m, logits: info.Logits()}
}

// done tells whether the step of an index ends the task. logits computes those of the last row.
func (e *refExit) done(step int, state [][]float64, logits func() []float64) bool {
	if e.left > 0 {
		e.left--
		return e.left == 0
	}
	if gate, ok := e.measure.(gateMeasure); ok { // every step counts, checked or not
		gate.step(state, step == e.steps-1)
	}
	if e.exit == nil || !e.exit.Checks(step) {
		return false
	}
	var row []float64
	if e.logits {
		row = logits()
	}
	value := e.measure.value(state, row)
	if e.exit.Values != nil {
		e.exit.Values(step+1, value)
	}
	if e.exit.Done(value) {
		e.left = e.exit.Delay
		return e.left == 0
	}
	return false
}
