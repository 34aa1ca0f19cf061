package main

import (
	"fmt"

	"muninn/model/decode"
)

// speculativeCase is decoding with drafts.
type speculativeCase struct {
	textCase
	MaxTokens  int `json:"max_new_tokens"`
	R          int
	DraftSteps int     `json:"draft_steps"`
	Lookahead  int     `json:"lookahead_for_draft"`
	Threshold  float64 `json:"verification_threshold"`
	Tokens     []int32
	Rounds     [][]int32
	First      int32   `json:"first_token"`
	Greedy     []int32 `json:"greedy_tokens"`
}

func (s speculativeCase) run(m *loaded, ts tensors, c *check) {
	run := func(strategy decode.Strategy, n int) decode.Outcome {
		e := s.open(m, ts, len(s.Prompt)+s.MaxTokens+2*s.Lookahead, max(s.R, s.DraftSteps))
		defer e.Close()
		return s.decode(e, strategy, s.R, n)
	}
	out := run(decode.Strategy{Speculative: &decode.Speculative{DraftSteps: s.DraftSteps, Lookahead: s.Lookahead, Threshold: s.Threshold}}, s.MaxTokens)
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
		compareInts("plain greedy token", run(decode.Strategy{}, len(s.Greedy)).Tokens, s.Greedy, c)
	}
}
