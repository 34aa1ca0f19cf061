package main

import (
	"fmt"

	"muninn/model/decode"
)

// speculativeCase is decoding with drafts.
type speculativeCase struct {
	Name       string
	Prompt     []int32
	MaxTokens  int `json:"max_new_tokens"`
	R          int
	DraftSteps int     `json:"draft_steps"`
	Lookahead  int     `json:"lookahead_for_draft"`
	Threshold  float64 `json:"verification_threshold"`
	Lookup     string  `json:"cache_lookup_strategy"`
	State      states
	Tokens     []int32
	Rounds     [][]int32
	First      int32   `json:"first_token"`
	Greedy     []int32 `json:"greedy_tokens"`
}

func (s speculativeCase) title() string { return s.Name }

func (s speculativeCase) run(m *loaded, ts tensors, c *check) error {
	start, err := s.State.of(ts, 0, m.config.NEmbd)
	if err != nil {
		return err
	}
	context := len(s.Prompt) + s.MaxTokens + 2*s.Lookahead
	run := func(strategy decode.Strategy, n int) (decode.Outcome, error) {
		e, err := newSession(m, sessionOptions{Sequences: 1, Context: context, MaxSteps: max(s.R, s.DraftSteps), States: start}, s.Lookup)
		if err != nil {
			return decode.Outcome{}, err
		}
		defer e.Close()
		return decode.Decode(e, 0, decode.Request{Prompt: s.Prompt, Steps: s.R, MaxTokens: n, Pick: decode.Filters{Greedy: true}, Strategy: strategy},
			func(decode.Choice) (bool, error) { return false, nil })
	}
	out, err := run(decode.Strategy{Speculative: &decode.Speculative{DraftSteps: s.DraftSteps, Lookahead: s.Lookahead, Threshold: s.Threshold}}, s.MaxTokens)
	if err != nil {
		return err
	}
	compareInts("token", out.Tokens, s.Tokens, c)
	if len(out.Tokens) > 0 && out.Tokens[0] != s.First {
		c.errorf("first token is %d, want %d", out.Tokens[0], s.First)
	}
	for i := range min(len(out.Iterations), len(s.Rounds)) {
		compareInts(fmt.Sprintf("round %d: token", i), out.Iterations[i], s.Rounds[i], c)
	}
	if len(out.Iterations) != len(s.Rounds) {
		c.errorf("%d rounds, want %d", len(out.Iterations), len(s.Rounds))
	}
	if s.Greedy != nil {
		if out, err = run(decode.Strategy{}, len(s.Greedy)); err != nil {
			return err
		}
		compareInts("plain greedy token", out.Tokens, s.Greedy, c)
	}
	return nil
}
