package engine_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/reference"
	"muninn/vk"
	"muninn/vk/vktest"
)

// scorings are requests that score their prompts.
func scorings() map[string]decode.Request {
	exit := &decode.Exit{Criterion: decode.LatentDiff, Threshold: 0.3, Prefill: true}
	wave := decode.PaperWave
	wave.MaxWavefront = 6
	greedy := decode.Filters{Greedy: true}
	penalties := decode.Filters{Greedy: true, FrequencyPenalty: 0.7, PresencePenalty: 0.3, RepetitionPenalty: 1.2, Bias: map[int32]float32{5: -40}}
	return map[string]decode.Request{
		"only":        {Pick: greedy},
		"all":         {Pick: greedy, MaxTokens: 4, Top: 3},
		"behind":      {Pick: greedy, MaxTokens: 4, Top: 1, ScoreFrom: 9},
		"penalties":   {Pick: penalties, MaxTokens: 8, Top: 20},
		"sampled":     {Pick: decode.Filters{Temperature: 0.9, TopK: 40, Seed: 3}, MaxTokens: 6, Top: 2},
		"exit":        {Pick: greedy, MaxTokens: 4, Top: 2, Strategy: decode.Strategy{Exit: exit}},
		"speculative": {Pick: greedy, MaxTokens: 8, Top: 2, Strategy: decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 2, Lookahead: 3, Threshold: 0.2}}},
		"wave":        {Pick: greedy, MaxTokens: 8, Top: 2, Strategy: decode.Strategy{Wave: &wave}},
	}
}

// TestScores: log probabilities of prompts and of what is generated are the reference's, alone and in a batch, and a token's own is
// the very float that stands beside it among the likeliest.
func TestScores(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		path := golden.Model(t, "A-f32")
		m := open(t, dev, path, engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Sequences: 3, Context: 40, MaxSteps: 5, Outputs: 18, Scores: 2, Exits: true, Compares: 6, Positions: 128})
		batch := engine.NewBatch(s)
		var ends []func()
		for name, req := range scorings() {
			req.Prompt, req.Steps, req.Score = randomTokens(m, 14, 7), 5, true
			rs, err := openReference(t, path).NewSession(reference.Options{Context: 40})
			if err != nil {
				t.Fatal(err)
			}
			want, wanted := outcome(t, rs, req)
			for range 2 { // the second finds what the first has left
				var got []decode.Token
				for batch.Len() == 3 {
					if err := batch.Step(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				_, err := batch.Add(req, decode.Sequence{InitScale: 1}, func(c decode.Token) error { got = append(got, c); return nil }, func(out decode.Outcome, err error) {
					ends = append(ends, func() { sameScores(t, name, out, want, got, wanted, err) })
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := batch.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(ends) != 2*len(scorings()) {
			t.Fatalf("%d ends of %d", len(ends), 2*len(scorings()))
		}
		for _, end := range ends {
			end()
		}
	})
}

// TestScoresByGate: where an exit gate chooses the step that is read, or lets each token of the prompt go by itself, log probabilities
// are of that step.
func TestScoresByGate(t *testing.T) {
	path := familyModel(t, "U-bf16")
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, path, engine.LoadOptions{})
	gate := &decode.Exit{Criterion: decode.Gate, Threshold: 0.6, Prefill: true}
	full, err := decode.ParseLookup("full", m.Config.NLayersInRecurrentBlock)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lookup   decode.Lookup
		strategy decode.Strategy
	}{
		"weighted":  {decode.Lookup{}, decode.Strategy{Readout: decode.Readout{Kind: decode.ReadWeighted}}},
		"second":    {decode.Lookup{}, decode.Strategy{Readout: decode.Readout{Kind: decode.ReadAt, Step: 2}}},
		"gate":      {decode.Lookup{}, decode.Strategy{Exit: gate}},
		"full gate": {full, decode.Strategy{Exit: gate}},
	} {
		req := decode.Request{Prompt: randomTokens(m, 14, 7), Steps: 4, Score: true, Top: 2, MaxTokens: 2, Pick: decode.Filters{Greedy: true}, Strategy: c.strategy}
		rs, err := openReference(t, path).NewSession(reference.Options{Context: 40, Lookup: c.lookup})
		if err != nil {
			t.Fatal(err)
		}
		want, wanted := outcome(t, rs, req)
		s := session(t, m, engine.SessionOptions{Context: 40, MaxSteps: 4, Lookup: c.lookup, Exits: true, Readouts: true, Scores: 4})
		out, got := outcome(t, s.Engine(context.Background()), req)
		sameScores(t, name, out, want, got, wanted, nil)
	}
}

// outcome runs a request.
func outcome(t *testing.T, e decode.Engine, req decode.Request) (out decode.Outcome, tokens []decode.Token) {
	t.Helper()
	out, err := decode.Generate(e, nil, 0, req, func(c decode.Token) error { tokens = append(tokens, c); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out, tokens
}

func sameScores(t *testing.T, name string, out, want decode.Outcome, got, wanted []decode.Token, err error) {
	near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 2*limit }
	if err != nil || len(out.Prompt) != 14 || len(got) != len(wanted) || out.Finish != want.Finish {
		t.Errorf("%s: %d scores and %d tokens, %s, %v; want 14 and %d, %s", name, len(out.Prompt), len(got), out.Finish, err, len(wanted), want.Finish)
		return
	}
	for i, s := range out.Prompt {
		w := want.Prompt[i]
		if !near(s.LogProb, w.LogProb) || len(s.Top) != len(w.Top) || len(s.Top) > 0 && (!near(s.Top[0].LogProb, w.Top[0].LogProb) || s.LogProb > s.Top[0].LogProb) {
			t.Errorf("%s: prompt's token %d: %+v, want %+v", name, i, s, w)
		}
		if scored := w.LogProb != 0; scored != (i >= 1 && i >= 9*strings.Count(name, "behind")) {
			t.Errorf("%s: prompt's token %d: %+v", name, i, w)
		}
	}
	for i, c := range got {
		if diff := sameTop(c.Choice, wanted[i].Choice); diff != "" || c.Token != wanted[i].Token || !near(c.LogProb, wanted[i].LogProb) {
			t.Errorf("%s: token %d is %+v, want %+v: %s", name, i, c, wanted[i], diff)
		}
	}
}

// TestScoresRefused: what cannot be scored says why.
func TestScoresRefused(t *testing.T) {
	rs, err := openReference(t, golden.Model(t, "A-f32")).NewSession(reference.Options{Context: 40})
	if err != nil {
		t.Fatal(err)
	}
	wave := decode.PaperWave
	wave.FullPrefill = false
	for want, req := range map[string]decode.Request{
		"has no log prob":   {Score: true, Strategy: decode.Strategy{Wave: &wave}},
		"see each other":    {Score: true, Prefix: 3},
		"from token 5":      {Score: true, ScoreFrom: 5},
		"21 likeliest":      {Top: 21},
		"bias of token 999": {MaxTokens: 1, Pick: decode.Filters{Bias: map[int32]float32{99999: 1}}},
		"bias of token 3":   {MaxTokens: 1, Pick: decode.Filters{Bias: map[int32]float32{3: float32(math.NaN())}}},
		"presence penalty":  {MaxTokens: 1, Pick: decode.Filters{PresencePenalty: math.Inf(1)}},
	} {
		req.Prompt, req.Steps = []int32{1, 2, 3, 4}, 2
		_, err := decode.Generate(rs, nil, 0, req, func(decode.Token) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
