package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/engine/weights"
)

// depthSummary is the part of a summary that says what the depth of thought came to. Core passes are those of the prompt too; a
// pass over the weights may serve several rows.
type depthSummary struct {
	Strategy       string              `json:"strategy"`
	Criterion      string              `json:"criterion"` // none for a fixed depth
	StepsPerToken  float64             `json:"steps_per_token"`
	CorePasses     int                 `json:"core_passes"`
	PassesPerToken float64             `json:"core_passes_per_token"`
	Speculative    *speculativeSummary `json:"speculative,omitempty"`
	Wave           *waveSummary        `json:"wave,omitempty"`
}

// speculativeSummary counts iterations of drafts. Tokens of an iteration past the end of the text count.
type speculativeSummary struct {
	Iterations         int     `json:"iterations"`
	Drafted            int     `json:"drafted"`
	Accepted           int     `json:"accepted"`
	Acceptance         float64 `json:"acceptance"` // accepted of drafted, 0 to 1
	TokensPerIteration float64 `json:"tokens_per_iteration"`
}

// waveSummary has the reference's counters.
type waveSummary struct {
	*decode.WaveCounts
	MaxWidth int `json:"max_width"` // positions in flight
}

// plainSummary is the same prompt decoded plainly at the same num_steps.
type plainSummary struct {
	Tokens         int     `json:"tokens"`
	PassesPerToken float64 `json:"core_passes_per_token"`
	Rate           float64 `json:"tokens_per_second"`
	Again          float64 `json:"again_tokens_per_second"` // the run's, once more beside it
	Ratio          float64 `json:"ratio"`                   // of the two; 0 when either has one token only
	SameTokens     bool    `json:"same_tokens"`             // the run gave the same
}

// depthOf sums up what a strategy did.
func depthOf(t *tally, out decode.Outcome, req decode.Request) depthSummary {
	d := depthSummary{Strategy: req.Strategy.Name(), Criterion: noCriterion, CorePasses: out.Passes}
	if t.tokens > 0 {
		d.StepsPerToken = float64(t.steps) / float64(t.tokens)
		d.PassesPerToken = float64(out.Passes) / float64(t.tokens)
	}
	s := req.Strategy
	if s.Exit != nil {
		d.Criterion = string(s.Exit.Criterion)
	}
	if s.Speculative != nil {
		d.Speculative = draftsOf(out)
	}
	if c := out.Wave; c != nil {
		w := &waveSummary{WaveCounts: c}
		for _, width := range c.StartAndWidth {
			w.MaxWidth = max(w.MaxWidth, width[1])
		}
		d.Wave = w
	}
	return d
}

// draftsOf counts iterations of drafts.
func draftsOf(out decode.Outcome) *speculativeSummary {
	s := &speculativeSummary{Iterations: len(out.Iterations), Drafted: out.Drafted, Accepted: out.Accepted}
	tokens := 0
	for _, r := range out.Iterations {
		tokens += len(r)
	}
	if s.Iterations > 0 {
		s.Acceptance = float64(s.Accepted) / float64(s.Drafted)
		s.TokensPerIteration = float64(tokens) / float64(s.Iterations)
	}
	return s
}

// closing is the line that ends a run.
func (s summary) closing() string {
	why := map[decode.Finish]string{decode.FinishLength: " (--max-tokens reached)", decode.FinishContext: " (the context is full)"}
	parts := []string{cli.Plural(s.Tokens, "token") + why[s.Finish]}
	if s.Tokens > 0 {
		parts = append(parts, fmt.Sprintf("%.1f steps a token", s.StepsPerToken)+passesBeside(s.StepsPerToken, s.PassesPerToken))
	}
	if s.AnswerRate != nil {
		parts = append(parts, fmt.Sprintf("%.1f tok/s", *s.AnswerRate))
	}
	if v := s.Speculative; v != nil && v.Iterations > 0 {
		parts = append(parts, fmt.Sprintf("%.0f %% of drafts accepted", 100*v.Acceptance))
	}
	if w := s.Wave; w != nil {
		parts = append(parts, fmt.Sprintf("up to %d in flight, each until it settled (r = %d is the prompt's)", w.MaxWidth, s.Steps))
		if w.ForcedFreezes > 0 {
			parts = append(parts, fmt.Sprintf("%d frozen unsettled", w.ForcedFreezes))
		}
	}
	if p := s.Plain; p != nil {
		same := "other tokens"
		if p.SameTokens {
			same = "the same tokens"
		}
		text := fmt.Sprintf("plain at r = %d: %s", s.Steps, same) + passesBeside(float64(s.Steps), p.PassesPerToken)
		if p.Ratio > 0 {
			text += fmt.Sprintf(", %.1f tok/s; this run repeated warm: %.1f tok/s, %.2fx plain", p.Rate, p.Again, p.Ratio)
		}
		return strings.Join(parts, ", ") + "; " + text
	}
	return strings.Join(parts, ", ")
}

// passesBeside is the core passes a token, where they are seen to be others than the steps.
func passesBeside(steps, passes float64) string {
	if text := fmt.Sprintf("%.1f", passes); text != fmt.Sprintf("%.1f", steps) {
		return ", " + text + " core passes a token"
	}
	return ""
}

// comparePlain decodes the prompt plainly, and then once more as the run did: by then both find recorded whatever they have
// in common, and the run's own first time is not held against it.
func comparePlain(ctx context.Context, x *opened, p plan, run *tally) (*plainSummary, error) {
	timed := func(req decode.Request) (*tally, decode.Outcome, float64, error) {
		if err := x.session.Rewind(0, 0); err != nil {
			return nil, decode.Outcome{}, 0, err
		}
		t := newTally(x.Device(), len(req.Prompt), 0)
		out, err := x.Generate(ctx, x.session, 0, req, func(token decode.Token) error {
			t.token(token)
			return nil
		})
		return t, out, rate(t.tokens-1, time.Since(t.answer).Seconds()), err
	}
	plain := p.request
	plain.Strategy = decode.Strategy{Noise: plain.Strategy.Noise, ContinuousCompute: plain.Strategy.ContinuousCompute}
	var sum *plainSummary
	for range 2 { // the first warms up
		t, out, speed, err := timed(plain)
		if err != nil {
			return nil, err
		}
		sum = &plainSummary{Tokens: t.tokens, Rate: speed, SameTokens: slices.Equal(t.ids, run.ids)}
		if t.tokens > 0 {
			sum.PassesPerToken = float64(out.Passes) / float64(t.tokens)
		}
	}
	var err error
	_, _, sum.Again, err = timed(p.request)
	if sum.Rate > 0 {
		sum.Ratio = sum.Again / sum.Rate
	}
	return sum, err
}

// checkSteps refuses a depth that is out of range.
func checkSteps(steps int) error {
	if steps < 0 || steps > maxSteps {
		return cli.Usage("--num-steps %d: want 0 to %d", steps, maxSteps)
	}
	return nil
}

// Bounds that keep a slip of the finger from asking for years of work, or for a state that is not finite.
const (
	maxSteps     = 1 << 16
	maxInitScale = 1e6
)

// perToken is the bytes of weights that a token of some core steps takes by itself.
func (x *opened) perToken(steps int) float64 {
	bytes, _ := engine.WorkOf(x.Config, weights.DeviceFormats(x.Weights, x.Config, x.Source.Stored)).Pass(1, steps)
	return bytes
}
