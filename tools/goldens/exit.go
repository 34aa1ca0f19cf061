package main

import (
	"encoding/json"
	"math"
	"strings"

	"muninn/model/decode"
)

// exitCase is adaptive depth: generation, or the score of a given text.
type exitCase struct {
	textCase
	Criterion  decode.Criterion
	Threshold  json.RawMessage `json:"exit_threshold"` // "auto" or a number
	Limit      float64         `json:"threshold_value"`
	Tokens     []int32         // generated, or in score mode given
	MaxSteps   int             `json:"max_steps"`
	MinSteps   int             `json:"min_steps"`
	Every      int             `json:"check_criterion_every_n_steps"`
	NoPrefill  bool            `json:"do_not_exit_in_prefill"`
	Continuous bool            `json:"continuous_compute"`
	Steps      []int
	Values     [][]float64
	Logits     string
}

func (e exitCase) run(m *loaded, ts tensors, c *check) {
	exit := must(decode.ParseExit(string(e.Criterion), strings.Trim(string(e.Threshold), `"`)))
	exit.MinSteps, exit.Every, exit.Prefill = e.MinSteps, e.Every, !e.NoPrefill
	if exit.Limit() != e.Limit {
		c.errorf("the threshold of %s is %g, want %g", e.Criterion, exit.Limit(), e.Limit)
	}
	if len(e.Tokens) == 0 {
		c.fatalf("the case has no tokens")
	}
	want := must(ts.get(e.Logits, len(e.Tokens), m.config.PaddedVocabSize))
	s := e.open(m, ts, len(e.Prompt)+len(e.Tokens), e.MaxSteps)
	defer s.Close()

	var values [][]float64 // of each token
	var steps []int
	logits := &logitsOf{Engine: s}
	var now []float64
	exit.Values = func(_ int, value float64) { now = append(now, value) }
	ran := func(c decode.Choice) {
		steps, values, now = append(steps, c.Steps), append(values, now), nil
	}
	req := decode.Request{Prompt: e.Prompt, Steps: e.MaxSteps, MaxTokens: len(e.Tokens), Pick: decode.Filters{Greedy: true},
		Strategy: decode.Strategy{Exit: &exit, ContinuousCompute: e.Continuous}}
	if len(e.Prompt) == 0 {
		for i, token := range e.Tokens {
			row := decode.TaskRow{Pos: i, Token: token, Begin: true}
			if e.Continuous && i > 0 {
				row.From = decode.FromPrevious
			}
			a := &decode.Task{Rows: []decode.TaskRow{row}, Steps: e.MaxSteps, Exit: &exit, Outputs: 1}
			need(logits.Do(a))
			ran(a.Choices[0])
		}
	} else {
		out := must(decode.Decode(logits, 0, req, func(c decode.Choice) (bool, error) { ran(c); return false, nil }))
		compareInts("token", out.Tokens, e.Tokens, c)
	}
	compareInts("steps of token", steps, e.Steps, c)
	e.compareValues(values, c)
	if c.problem == "" { // after another number of steps everything differs
		c.rows(e.Logits, logits.rows, want)
	}
}

func (e exitCase) compareValues(got [][]float64, c *check) {
	if len(got) != len(e.Values) {
		c.errorf("values of %d tokens, want %d", len(got), len(e.Values))
		return
	}
	for t, want := range e.Values {
		if len(got[t]) != len(want) {
			c.errorf("%d values of token %d, want %d", len(got[t]), t, len(want))
			return
		}
		for i, w := range want {
			c.compared++
			if off := math.Abs(got[t][i] - w); !(off <= valueLimit(e.Criterion, w)) {
				c.errorf("value %d of token %d is %g, want %g: off by %.1e", i, t, got[t][i], w, off)
			}
		}
	}
}
