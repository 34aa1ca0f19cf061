package reference

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
)

// TestSpeculationIsPlain: drafts change when tokens come, not which: greedy or sampled, with penalties, with state noise, whatever the
// drafts and lookahead.
func TestSpeculationIsPlain(t *testing.T) {
	picks := map[string]decode.Filters{
		"greedy":    {Greedy: true},
		"penalised": {Greedy: true, RepetitionPenalty: 1.3},
		"sampled":   {Temperature: 0.7, TopP: 0.95, RepetitionPenalty: 1.1, Seed: 4},
	}
	runs := 70
	if testing.Short() {
		runs = 20
	}
	for name, pick := range picks {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			accepted, drafted := 0, 0
			for i := range runs {
				r := tinyReference(t, uint64(i))
				lookup := []string{"full", "latest-m4", "always-last-m4", "latest-m4-compress-s64"}[i%4]
				req := decode.Request{Prompt: tinyPrompt(rng), Steps: 1 + rng.IntN(16), MaxTokens: 1 + rng.IntN(24), Pick: pick}
				if i%3 == 0 {
					req.Strategy.Noise = decode.StateNoise{Weight: 0.3, Type: decode.NoiseTypes[i/3%5]}
				}
				plain, _ := sampleAll(t, tinySession(t, r, lookup), req)
				d := decode.Speculative{DraftSteps: rng.IntN(req.Steps + 4), Lookahead: 1 + rng.IntN(8), Threshold: 1}
				req.Strategy.Speculative = &d
				spec, out := sampleAll(t, tinySession(t, r, lookup), req)
				if !slices.Equal(tokensOf(spec), tokensOf(plain)) {
					t.Fatalf("run %d, %+v of %d steps, lookup %s: tokens\n%v, plain\n%v", i, d, req.Steps, lookup, tokensOf(spec), tokensOf(plain))
				}
				for j, c := range spec {
					if c.Steps != req.Steps || c.Pos != plain[j].Pos || abs32(c.LogProb-plain[j].LogProb) > 1e-5 {
						t.Fatalf("run %d token %d: %+v, plain %+v", i, j, c, plain[j])
					}
				}
				for _, chosen := range out.Iterations {
					accepted, drafted = accepted+len(chosen), drafted+d.Lookahead
				}
			}
			if accepted*10 < drafted || accepted*10 > drafted*9 {
				t.Errorf("%d tokens of %d drafts: the cases try little", accepted, drafted)
			}
		})
	}
}

func abs32(x float32) float32 { return max(x, -x) }

// TestSpeculationContinues: a second text on the same sequence, after one that ended in the middle of a round.
func TestSpeculationContinues(t *testing.T) {
	r := tinyReference(t, 2)
	req := decode.Request{Prompt: []int32{3, 9, 1}, Steps: 6, MaxTokens: 5, Pick: decode.Filters{Greedy: true}}
	var texts [2][]int32
	for i, d := range []*decode.Speculative{nil, {DraftSteps: 2, Lookahead: 7, Threshold: 1}} {
		s := tinySession(t, r, "latest-m4")
		req.Strategy.Speculative = d
		first, _ := sampleAll(t, s, req)
		again := req
		again.Prompt = []int32{first[len(first)-1].Token, 5, 6}
		if _, err := decode.Decode(s, 0, again, func(c decode.Choice) (bool, error) { texts[i] = append(texts[i], c.Token); return false, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(texts[0], texts[1]) {
		t.Errorf("after a text with drafts %v, plainly %v", texts[1], texts[0])
	}
}

// TestThresholdAccepts: a lower threshold accepts drafts that were not chosen, each with its share of the largest probability.
func TestThresholdAccepts(t *testing.T) {
	r := tinyReference(t, 4)
	req := decode.Request{Prompt: []int32{3, 9, 1}, Steps: 8, MaxTokens: 24, Pick: decode.Filters{Greedy: true}}
	rounds := map[float64]int{}
	for _, threshold := range []float64{1, 0.5, 1e-9} {
		req.Strategy.Speculative = &decode.Speculative{DraftSteps: 1, Lookahead: 4, Threshold: threshold}
		_, out := sampleAll(t, tinySession(t, r, "full"), req)
		rounds[threshold] = len(out.Iterations)
	}
	if rounds[1e-9] != 6 || rounds[0.5] <= 6 || rounds[1] <= rounds[0.5] {
		t.Errorf("rounds by threshold %v: want 6 of 4 tokens at the lowest, and fewer the lower", rounds)
	}
}

// TestStrategyRefuses: what cannot be exact, or makes no sense together, is an error that says why.
func TestStrategyRefuses(t *testing.T) {
	exit := &decode.Exit{Criterion: decode.KL}
	spec := &decode.Speculative{DraftSteps: 2, Lookahead: 4, Threshold: 1}
	wave := func(change func(*decode.Wave)) *decode.Wave { w := decode.PaperWave; change(&w); return &w }
	for want, c := range map[string]struct {
		lookup string
		s      decode.Strategy
	}{
		"shares slots within 8 steps": {"latest-m4-compress-s4", decode.Strategy{Speculative: spec}},
		"compress-r2":                 {"latest-m4-compress-r2", decode.Strategy{Speculative: spec}},
		"two strategies":              {"full", decode.Strategy{Speculative: spec, Wave: &decode.PaperWave}},
		"goes with plain decoding":    {"full", decode.Strategy{Wave: &decode.PaperWave, Exit: exit}},
		"start a token from the one":  {"full", decode.Strategy{Speculative: spec, ContinuousCompute: true}},
		"lookahead_for_draft is 0":    {"full", decode.Strategy{Speculative: &decode.Speculative{Threshold: 1}}},
		"verification_threshold is 0": {"full", decode.Strategy{Speculative: &decode.Speculative{Lookahead: 1}}},
		"do not line up":              {"full", decode.Strategy{Wave: wave(func(w *decode.Wave) { w.Freeze = "latent-acceleration-2" })}},
		`freeze_strategy "x"`:         {"full", decode.Strategy{Wave: wave(func(w *decode.Wave) { w.Freeze = "x" })}},
		"inner_recurrence is 0":       {"full", decode.Strategy{Wave: wave(func(w *decode.Wave) { w.InnerRecurrence = 0 })}},
		"headway is 0":                {"full", decode.Strategy{Wave: wave(func(w *decode.Wave) { w.Headway = 0 })}},
		"does not fit the wave's 2":   {"full", decode.Strategy{Wave: wave(func(w *decode.Wave) { w.MaxWavefront, w.FullPrefill = 2, false })}},
		"test_time_noise is -1":       {"full", decode.Strategy{Noise: decode.StateNoise{Weight: -1}}},
		`criterion "vibes"`:           {"full", decode.Strategy{Exit: &decode.Exit{Criterion: "vibes"}}},
	} {
		_, err := decode.Decode(tinySession(t, tinyReference(t, 1), c.lookup), 0, decode.Request{Prompt: []int32{1, 2, 3}, Steps: 8, MaxTokens: 4, Strategy: c.s},
			func(decode.Choice) (bool, error) { return false, nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	s := tinySession(t, tinyReference(t, 1), "always-last-m4")
	req := decode.Request{Prompt: []int32{1, 2}, Steps: 8, MaxTokens: 2, Strategy: decode.Strategy{Speculative: spec}}
	sampleAll(t, s, req)
	if _, err := decode.Decode(s, 0, req, nil); !errors.Is(err, decode.ErrStrategy) {
		t.Errorf("always-last after other tokens: error %v, want ErrStrategy", err)
	}
}

// TestFinish: every strategy stops with a stop token, at the limit and at the end of the context, and hands out nothing more.
func TestFinish(t *testing.T) {
	r := tinyReference(t, 3)
	fast := decode.PaperWave
	fast.Freeze = decode.FreezeFixed
	for name, strategy := range map[string]decode.Strategy{
		"plain":       {},
		"speculative": {Speculative: &decode.Speculative{DraftSteps: 3, Lookahead: 5, Threshold: 1}},
		"wave":        {Wave: &fast},
	} {
		t.Run(name, func(t *testing.T) {
			req := decode.Request{Prompt: []int32{3, 9, 1}, Steps: 6, Pick: decode.Filters{Greedy: true}, Strategy: strategy}
			all, out := sampleAll(t, tinySession(t, r, "full"), req)
			if out.Finish != decode.FinishContext || len(all) != r.Config.BlockSize-len(req.Prompt)+1 {
				t.Errorf("%s after %d tokens, want the context full", out.Finish, len(all))
			}
			req.MaxTokens = 7
			if some, out := sampleAll(t, tinySession(t, r, "full"), req); out.Finish != decode.FinishLength || !slices.Equal(tokensOf(some), tokensOf(all[:7])) {
				t.Errorf("%s with %v, want the first 7 of %v", out.Finish, tokensOf(some), tokensOf(all))
			}
			req.StopIDs = []int32{all[3].Token}
			first := slices.Index(tokensOf(all), all[3].Token)
			if some, out := sampleAll(t, tinySession(t, r, "full"), req); out.Finish != decode.FinishStop || len(some) != first+1 {
				t.Errorf("%s after %d tokens, want a stop at token %d", out.Finish, len(some), first)
			}
			oops := fmt.Errorf("oops")
			if _, err := decode.Decode(tinySession(t, r, "full"), 0, req, func(decode.Choice) (bool, error) { return false, oops }); err != oops {
				t.Errorf("error %v, want that of emit", err)
			}
		})
	}
}

// TestWavesEnd: whatever the settings, a wave is done within its bound of outer steps.
func TestWavesEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 3))
	pick := func(n ...int) int { return n[rng.IntN(len(n))] }
	runs, forced := 500, 0
	if testing.Short() {
		runs = 80
	}
	for i := range runs {
		r := tinyReference(t, uint64(i))
		w := decode.Wave{InnerRecurrence: pick(1, 2, 4, 8), Headway: pick(1, 1, 2, 3), Freeze: decode.Freezes[i%4], ExitThreshold: []float64{0, 0.03, 0.1, 0.5, 3}[rng.IntN(5)],
			EMA: []float64{0, 0.1, 0.9}[rng.IntN(3)], StateNoiseMixing: []float64{0, 0.2, 1}[rng.IntN(3)], MaxWavefront: pick(0, 1, 2, 4, 16), FullPrefill: i%3 > 0,
			PromptMayChange: i%2 == 0, Patience: pick(0, 0, 1, 5)}
		req := decode.Request{Prompt: tinyPrompt(rng), Steps: pick(1, 4, 8, 12), MaxTokens: pick(1, 3, 8, 0), Pick: decode.Filters{Temperature: 1, Seed: uint64(i), Greedy: i%5 == 0},
			Strategy: decode.Strategy{Wave: &w, ContinuousCompute: rng.IntN(3) == 0}}
		if rng.IntN(4) == 0 {
			req.Strategy.Noise = decode.StateNoise{Weight: 0.5, Type: decode.NoiseTypes[rng.IntN(5)]}
		}
		if !w.FullPrefill && w.MaxWavefront > 0 {
			w.MaxWavefront = max(w.MaxWavefront, len(req.Prompt))
		}
		l, err := decode.ParseLookup([]string{"latest-m4-compress-s4", "full", "latest-m4", "always-last-m4-compress-s8"}[rng.IntN(4)], 2)
		if err != nil {
			t.Fatal(err)
		}
		s := refSession(t, r, Options{Lookup: l, Context: 24})
		all, out := sampleAll(t, s, req)
		tokens := req.MaxTokens
		if tokens == 0 {
			tokens = 24 - len(req.Prompt) + 1
		}
		patience := cmp.Or(w.Patience, 8*max(1, (req.Steps+w.InnerRecurrence-1)/w.InnerRecurrence)) // outer steps for a token at most
		if n, bound := out.Wave.DiffusionSteps, patience*tokens+len(req.Prompt); n > bound || len(all) != tokens {
			t.Fatalf("run %d, %+v: %d tokens of %d in %d outer steps, bound %d", i, w, len(all), tokens, n, bound)
		}
		for j, n := range out.Wave.StartAndWidth {
			if w.MaxWavefront > 0 && n[1] > w.MaxWavefront || n[0]+n[1] > 24 {
				t.Fatalf("run %d outer step %d: %d positions from %d on", i, j, n[1], n[0])
			}
		}
		if want := append(slices.Clone(req.Prompt), tokensOf(all)...); !w.PromptMayChange && (len(s.Tokens(0)) >= len(want) || !slices.Equal(s.Tokens(0), want[:len(s.Tokens(0))])) {
			t.Fatalf("run %d: the sequence holds %v, want the beginning of %v", i, s.Tokens(0), want)
		}
		forced += out.Wave.ForcedFreezes
	}
	if forced == 0 {
		t.Error("no wave stood: the bound was not tried")
	}
}

// TestWaveOfOneIsPlain: waves one position wide that freeze after one outer step of all core steps decode plainly.
func TestWaveOfOneIsPlain(t *testing.T) {
	r := tinyReference(t, 6)
	req := decode.Request{Prompt: []int32{3, 9, 1}, Steps: 8, MaxTokens: 12, Pick: decode.Filters{Greedy: true}}
	plain, _ := sampleAll(t, tinySession(t, r, decode.DefaultLookup), req)
	req.Strategy.Wave = &decode.Wave{InnerRecurrence: 8, Headway: 1, Freeze: decode.FreezeLatentDiff, MaxWavefront: 1, FullPrefill: true, Patience: 1}
	wave, out := sampleAll(t, tinySession(t, r, decode.DefaultLookup), req)
	if !slices.Equal(tokensOf(wave), tokensOf(plain)) {
		t.Errorf("tokens %v, plain %v", tokensOf(wave), tokensOf(plain))
	}
	if out.Wave.ForcedFreezes != 11 || out.Passes != 12*8 {
		t.Errorf("%d forced freezes and %d passes, want 11 and 96", out.Wave.ForcedFreezes, out.Passes)
	}
}
