package main

import (
	"encoding/json"
	"fmt"
	"math"

	"muninn/model/decode"
)

// states is how the cases of strategies name their initial states: a table by position of the file, or null for zeros.
type states struct{ *string }

func (s *states) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &s.string) }

// of gives the states (n_embd) of a text of so many positions by position.
func (s states) of(ts tensors, positions, width int) (func(seq, pos int) []float32, error) {
	if s.string == nil {
		zero := make([]float32, width)
		return func(int, int) []float32 { return zero }, nil
	}
	table, err := ts.get(*s.string, 0, width)
	if err == nil && len(table.rows) < positions {
		err = fmt.Errorf("tensor %s has states of %d positions, the text %d", *s.string, len(table.rows), positions)
	}
	return func(_, pos int) []float32 {
		if pos >= len(table.rows) {
			return nil // which the engine refuses
		}
		return table.rows[pos]
	}, err
}

// compareInts compares what was decided, up to the first that is wrong.
func compareInts[T int | int32](what string, got, want []T, c *check) {
	for i := range min(len(got), len(want)) {
		c.compared++
		if got[i] != want[i] {
			c.errorf("%s %d is %d, want %d", what, i, got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		c.errorf("%d of %s, want %d", len(got), what, len(want))
	}
}

// logitsOf makes an engine hand out the logits of the last output of every task that has any.
type logitsOf struct {
	decode.Engine
	rows [][]float32
}

func (l *logitsOf) Do(a *decode.Task) error {
	if a.Outputs > 0 {
		a.Logits = func(rows [][]float32) { l.rows = append(l.rows, rows[len(rows)-1]) }
	}
	return l.Engine.Do(a)
}

// valueLimit is how far two float32 programs are from each other on a criterion's value (README, MODEL 8): a share of the value,
// or of 1 for those that are sums of small differences.
func valueLimit(criterion decode.Criterion, want float64) float64 {
	switch criterion {
	case decode.ArgmaxStability:
		return 0
	case decode.LatentDiff:
		return 4e-5 * math.Max(want, 1)
	case decode.Cosine:
		return 2e-4*want + 2e-7 // float32's own steps below 1
	}
	return 2e-5 * math.Max(math.Abs(want), 1)
}
