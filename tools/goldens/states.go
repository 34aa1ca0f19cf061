package main

import (
	"fmt"
	"math"

	"muninn/model/decode"
)

// textCase is what the cases of strategies have in common: one text and where its states begin.
type textCase struct {
	Name   string
	Lookup string `json:"cache_lookup_strategy"`
	Prompt []int32
	State  *string // as initialStates takes it
}

func (t textCase) title() string { return t.Name }

// open starts a session for the text alone.
func (t textCase) open(m *loaded, ts tensors, context, maxSteps int) session {
	start := initialStates(ts, t.State, 0, m.config.NEmbd)
	return must(newSession(m, sessionOptions{Sequences: 1, Context: context, MaxSteps: maxSteps, States: start}, t.Lookup))
}

// decode goes on with the prompt greedily, for n tokens at most.
func (t textCase) decode(e session, strategy decode.Strategy, numSteps, n int) decode.Outcome {
	return must(decode.Decode(e, 0, decode.Request{Prompt: t.Prompt, Steps: numSteps, MaxTokens: n, Pick: decode.Filters{Greedy: true}, Strategy: strategy},
		func(decode.Choice) (bool, error) { return false, nil }))
}

// initialStates gives the initial states (n_embd) of a text of so many positions by position: rows of the named tensor, or
// zeros where name is nil.
func initialStates(ts tensors, name *string, positions, width int) func(seq, pos int) []float32 {
	if name == nil {
		zero := make([]float32, width)
		return func(int, int) []float32 { return zero }
	}
	table := must(ts.get(*name, 0, width))
	if len(table) < positions {
		need(fmt.Errorf("tensor %s has states of %d positions, the text %d", *name, len(table), positions))
	}
	return func(_, pos int) []float32 {
		if pos >= len(table) {
			return nil // which the engine refuses
		}
		return table[pos]
	}
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
	rows   [][]float32
	prompt []int // steps of the prompt's rows
}

func (l *logitsOf) Do(a *decode.Task) error {
	if a.Outputs > 0 {
		a.Logits = func(rows [][]float32) { l.rows = append(l.rows, rows[len(rows)-1]) }
	}
	err := l.Engine.Do(a)
	for range a.Rows {
		if a.Prompt {
			l.prompt = append(l.prompt, a.Taken)
		}
	}
	return err
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
