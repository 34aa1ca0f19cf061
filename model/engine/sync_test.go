package engine_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// chats are ways to decode the turns of a chat.
func chats(t *testing.T) map[string]decode.Request {
	t.Helper()
	exit, err := decode.ParseExit("latent-diff", "0.3")
	if err != nil {
		t.Fatal(err)
	}
	wave := decode.PaperWave
	wave.MaxWavefront = 6
	greedy, sampled := decode.Filters{Greedy: true, RepetitionPenalty: 1.2}, decode.Filters{Temperature: 0.9, TopK: 40, Seed: 3}
	return map[string]decode.Request{
		"greedy":         {Pick: greedy},
		"sampled":        {Pick: sampled},
		"exit":           {Pick: greedy, Strategy: decode.Strategy{Exit: &exit}},
		"sampled exit":   {Pick: sampled, Strategy: decode.Strategy{Exit: &exit}},
		"speculative":    {Pick: greedy, Strategy: decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 2, Lookahead: 3, Threshold: 1}}},
		"sampled drafts": {Pick: sampled, Strategy: decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 2, Lookahead: 3, Threshold: 1}}},
		"noise":          {Pick: greedy, Strategy: decode.Strategy{Noise: decode.StateNoise{Weight: 0.05, Type: decode.NoiseGeom}}},
		"from the state": {Pick: greedy, Strategy: decode.Strategy{ContinuousCompute: true}},
		"wave":           {Pick: greedy, Strategy: decode.Strategy{Wave: &wave}},
	}
}

// TestSync: in a chat only what is new runs, and a turn's tokens are those of a session that begins with the whole prompt. Replies
// are kept as far as they were run as a prompt is.
func TestSync(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		for _, path := range []string{store.DemoName, golden.Model(t, "A-f32")} {
			m := open(t, dev, path, engine.LoadOptions{Kernels: shaders.Options{Activations: shaders.FloatActivations}})
			options := engine.SessionOptions{Context: 80, MaxSteps: 6, Outputs: 6, Exits: true, Compares: 6}
			s, fresh := session(t, m, options), session(t, m, options)
			for name, req := range chats(t) {
				if path == store.DemoName && (req.Strategy.Wave != nil || req.Strategy.ContinuousCompute || req.Strategy.Noise.Weight != 0) {
					continue // one model is enough
				}
				t.Run(name, func(t *testing.T) { chat(t, m, s, fresh, req) })
			}
		}
	})
}

// chat runs ten turns on s with Sync, and some of them on a session rewound to its beginning.
func chat(t *testing.T, m *engine.Model, s, fresh *engine.Session, req decode.Request) {
	const steps, reply = 6, 4
	turns := 10
	if testing.Short() {
		turns = 4
	}
	setting := decode.Sequence{Seed: 5, InitScale: 1}
	for _, x := range []*engine.Session{s, fresh} {
		x.SetSequence(0, setting)
		if err := x.Rewind(0, 0); err != nil {
			t.Fatal(err)
		}
	}
	req.Steps, req.MaxTokens = steps, reply
	kept, left := 0, 0
	for turn := range turns {
		req.Prompt = slices.Concat(req.Prompt, randomTokens(m, 3, uint64(turn)))
		var want, got []int32
		var depth, depths []int
		var err error
		if req.Held, err = s.Sync(0, req); err != nil {
			t.Fatal(err)
		}
		out, err := m.Generate(context.Background(), s, 0, req, collect(&got, &depths))
		if err != nil {
			t.Fatal(err)
		}
		if turn%4 == 1 {
			if err := fresh.Rewind(0, 0); err != nil {
				t.Fatal(err)
			}
			whole := req
			whole.Held = 0
			if _, err := m.Generate(context.Background(), fresh, 0, whole, collect(&want, &depth)); err != nil {
				t.Fatal(err)
			}
		} else {
			want, depth = got, depths
		}
		if !slices.Equal(got, want) || !slices.Equal(depths, depth) {
			t.Fatalf("turn %d, %d of %d tokens held: tokens %v of %v steps, in a fresh session %v of %v", turn, req.Held, len(req.Prompt), got, depths, want, depth)
		}
		if req.Held != kept || out.Held != kept {
			t.Errorf("turn %d: %d tokens held, want %d", turn, req.Held, kept)
		}
		kept = len(req.Prompt)
		for _, d := range depths[1:] { // of the reply's tokens, the last of which has not run
			if d != steps || req.Strategy.Wave != nil || req.Strategy.ContinuousCompute {
				left++
				break
			}
			kept++
		}
		req.Prompt = slices.Concat(req.Prompt, got)
	}
	again := req.Strategy.Exit != nil || req.Strategy.Wave != nil || req.Strategy.ContinuousCompute
	if again != (left > 0) && !testing.Short() {
		t.Errorf("replies run again in %d of %d turns", left, turns)
	}
}

// TestSyncOfPrefix: tokens that saw others behind them do not stand for a prompt that goes on otherwise.
func TestSyncOfPrefix(t *testing.T) {
	m := open(t, vktest.Open(t, vktest.Names()[0], vk.Options{}), familyModel(t, "H-bf16"), engine.LoadOptions{})
	s := session(t, m, engine.SessionOptions{Context: 40})
	for _, prefix := range []int{4, 3} {
		for _, prompt := range [][]int32{{7, 8, 9, 10}, {7, 8, 11, 10}, {7, 8, 11, 10, 12}} {
			var got, want []int32
			var depths []int
			req := decode.Request{Prompt: prompt, Prefix: prefix, Steps: 2, MaxTokens: 4, Pick: decode.Filters{Greedy: true}}
			var err error
			if req.Held, err = s.Sync(0, req); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Generate(context.Background(), s, 0, req, collect(&got, &depths)); err != nil {
				t.Fatalf("%v, the first %d see each other, %d held: %v", prompt, prefix, req.Held, err)
			}
			fresh := session(t, m, engine.SessionOptions{Context: 40})
			req.Held = 0
			if _, err := m.Generate(context.Background(), fresh, 0, req, collect(&want, &depths)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, the first %d see each other: %v, in a fresh session %v", prompt, prefix, got, want)
			}
		}
	}
}

// TestSyncAfterRemoval: a request taken out amid a pass leaves nothing that the pass had begun to change.
func TestSyncAfterRemoval(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	exit, err := decode.ParseExit("kl", "1e-9")
	if err != nil {
		t.Fatal(err)
	}
	exit.Prefill = true
	const steps = 4
	wave := decode.Wave{InnerRecurrence: steps, Headway: 2, Freeze: decode.FreezeFixed, FullPrefill: true, MaxWavefront: 8}
	moving := decode.Request{Prompt: randomTokens(m, 3, 1), Steps: steps, Pick: decode.Filters{Greedy: true}, Strategy: decode.Strategy{Wave: &wave}}
	beside := decode.Request{Prompt: randomTokens(m, 3, 2), Steps: 20, Pick: decode.Filters{Greedy: true}, Strategy: decode.Strategy{Exit: &exit}} // every step is looked at
	last := func(s *engine.Session, seq int, text []int32) float32 {
		req := decode.Request{Prompt: append(slices.Clone(text), 7), Steps: steps, MaxTokens: 1, Pick: decode.Filters{Greedy: true}}
		s.SetSequence(seq, setting(0))
		if req.Held, err = s.Sync(seq, req); err != nil {
			t.Fatal(err)
		}
		var said float32
		if _, err := m.Generate(context.Background(), s, seq, req, func(c decode.Token) error { said = c.Logit; return nil }); err != nil {
			t.Fatal(err)
		}
		return said
	}
	fresh := batchSession(t, m, 1)
	kept := 0
	for passes := 6; passes < 13; passes++ {
		s := batchSession(t, m, 2)
		b := engine.NewBatch(s)
		seq, err := b.Add(moving, setting(0), func(decode.Token) error { return nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = b.Add(beside, setting(1), func(decode.Token) error { return nil }, nil); err != nil {
			t.Fatal(err)
		}
		for range passes {
			if err := b.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		b.Remove(seq)
		text := slices.Clone(s.Tokens(seq))
		got := last(s, seq, text)
		if err := fresh.Rewind(0, 0); err != nil {
			t.Fatal(err)
		}
		if want := last(fresh, 0, text); math.Abs(float64(got-want)) > limit {
			t.Errorf("taken out after %d passes, holding %d tokens: logit %g, in a fresh session %g", passes, len(text), got, want)
		}
		kept = max(kept, len(text))
	}
	if kept < 4 {
		t.Errorf("%d tokens were held at most: nothing is shown", kept)
	}
}
