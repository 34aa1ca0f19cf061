package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/shaders/roofline"
	"muninn/vk"
	"muninn/vk/vktest"
)

// Depth as a control, in CPU time, all sides of a ratio in turn in one run: medians of the ratios of rounds, of which a first is not
// counted. huginn is the core block of Huginn with random weights in q8_0 and a small vocabulary, one prelude and one coda layer.
//
//	go test -run - -bench 'Adaptive|Speculative|Wave|Side' -benchtime 1x -timeout 60m ./model

// benchModels are what depth is measured on.
func benchModels(b *testing.B, run func(b *testing.B, m *engine.Model, prompts [][]int32)) {
	dev := vktest.Open(b, vktest.Names()[0], vk.Options{})
	if _, err := roofline.Calibrate(b.Context(), dev); err != nil { // work is cut as the commands cut it
		b.Fatal(err)
	}
	b.Run("demo", func(b *testing.B) {
		m := open(b, dev, store.DemoName, engine.LoadOptions{})
		rng := demo.Rand(5)
		var prompts [][]int32
		for i := range 8 {
			p, err := demo.Draw(rng, 2*i)
			if err != nil {
				b.Fatal(err)
			}
			ids, err := m.EncodePrompt(p.Text(), false)
			if err != nil {
				b.Fatal(err)
			}
			prompts = append(prompts, ids)
		}
		run(b, m, prompts)
	})
	b.Run("huginn", func(b *testing.B) {
		scheme, err := checkpoint.ParseScheme("q8_0", "")
		if err != nil {
			b.Fatal(err)
		}
		m, err := engine.Random(arch.Config{
			NEmbd: 5280, NHeads: 55, HeadDim: 96, IntermediateSize: 17920, VocabSize: 1024, PaddedVocabSize: 1024,
			NLayersInPrelude: 1, NLayersInRecurrentBlock: 4, NLayersInCoda: 1,
			BlockSize: 256, MeanRecurrence: 32, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
		}, dev, engine.LoadOptions{Weights: scheme})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(m.Close)
		var prompts [][]int32
		for i := range 8 {
			prompts = append(prompts, randomTokens(m, 3, uint64(i)))
		}
		run(b, m, prompts)
	})
}

// inTurn has each side time itself once a round and gives how long each took beside the first: medians of the rounds but the
// first. Sides of one round see much the same machine; rounds may not.
func inTurn(b *testing.B, rounds int, sides ...func() float64) []float64 {
	b.Helper()
	beside := make([][]float64, len(sides))
	for chosen := range rounds + 1 {
		var first float64
		for i, side := range sides {
			took := side()
			if i == 0 {
				first = took
			}
			if chosen > 0 {
				beside[i] = append(beside[i], took/first)
			}
		}
	}
	var medians []float64
	for _, ratios := range beside {
		slices.Sort(ratios)
		medians = append(medians, ratios[len(ratios)/2])
	}
	return medians
}

// generated runs requests one after the other and gives the CPU time for a token behind each one's first `skip`, and all core
// passes for a token.
func generated(b *testing.B, m *engine.Model, s *engine.Session, requests []decode.Request, skip int) (seconds, passes float64) {
	b.Helper()
	tokens, timed := 0, 0
	for i, req := range requests {
		if err := s.Rewind(0, 0); err != nil {
			b.Fatal(err)
		}
		s.SetSequence(0, setting(i))
		var from, to float64
		n := 0
		out, err := m.Generate(context.Background(), s, 0, req, func(t decode.Token) error {
			if n++; n == skip {
				from = cpuTime()
			}
			to = cpuTime()
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		tokens, timed = tokens+out.Emitted, timed+max(n-skip, 0)
		seconds, passes = seconds+to-from, passes+float64(out.Passes)
	}
	return seconds / float64(max(timed, 1)), passes / float64(tokens)
}

func requestsOf(prompts [][]int32, steps, tokens int, strategy decode.Strategy) []decode.Request {
	var list []decode.Request
	for _, p := range prompts {
		list = append(list, decode.Request{Prompt: p, Steps: steps, MaxTokens: tokens, Pick: decode.Filters{Greedy: true}, Strategy: strategy})
	}
	return list
}

// BenchmarkSpeculative drafts with 4 steps and verifies with 32, against plain decoding at 32: core passes a token, and speed.
func BenchmarkSpeculative(b *testing.B) {
	benchModels(b, func(b *testing.B, m *engine.Model, prompts [][]int32) {
		s := session(b, m, engine.SessionOptions{Context: 96, MaxSteps: 32, Outputs: 8, KV: shaders.KVF16})
		tokens, rounds := 17, 9
		if m.Config.NEmbd > 1000 { // two rounds of four drafts, one of eight
			prompts, tokens, rounds = prompts[:1], 9, 1
		}
		var sides []func() float64
		var passes [3]float64
		for i, lookahead := range []int{0, 4, 8} {
			strategy := decode.Strategy{}
			if lookahead > 0 {
				strategy.Speculative = &decode.Speculative{DraftSteps: 4, Lookahead: lookahead, Threshold: 1}
			}
			sides = append(sides, func() (seconds float64) {
				seconds, passes[i] = generated(b, m, s, requestsOf(prompts, 32, tokens, strategy), 1)
				return seconds
			})
		}
		for b.Loop() {
			t := inTurn(b, rounds, sides...)
			b.ReportMetric(passes[0], "plain-passes/token")
			b.ReportMetric(passes[1], "passes/token-4")
			b.ReportMetric(passes[2], "passes/token-8")
			b.ReportMetric(t[0]/t[1], "of-plain-4")
			b.ReportMetric(t[0]/t[2], "of-plain-8")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkWave freezes a token each outer step of 4 core steps with 8 positions in flight, once they are, against plain decoding at
// 32, both from the second token on.
func BenchmarkWave(b *testing.B) {
	benchModels(b, func(b *testing.B, m *engine.Model, prompts [][]int32) {
		s := session(b, m, engine.SessionOptions{Context: 96, MaxSteps: 32, Outputs: 16, Rows: 48, Compares: 16, KV: shaders.KVF16})
		wave := decode.PaperWave
		wave.Freeze, wave.MaxWavefront = decode.FreezeFixed, 8
		plain, waves, rounds := 4, 32, 9
		if m.Config.NEmbd > 1000 {
			prompts, plain, waves, rounds = prompts[:1], 4, 10, 3
		}
		side := func(tokens int, strategy decode.Strategy) func() float64 {
			return func() float64 {
				seconds, _ := generated(b, m, s, requestsOf(prompts, 32, tokens, strategy), 2)
				return seconds
			}
		}
		for b.Loop() {
			t := inTurn(b, rounds, side(plain, decode.Strategy{}), side(waves, decode.Strategy{Wave: &wave}))
			b.ReportMetric(t[0]/t[1], "of-plain")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkSide runs 8 requests of different depths and criteria side by side, and one after the other, with their prompts and from each
// one's second token on.
func BenchmarkSide(b *testing.B) {
	benchModels(b, func(b *testing.B, m *engine.Model, prompts [][]int32) {
		tokens, apart, rounds := 16, 2, 9
		if m.Config.NEmbd > 1000 {
			tokens, apart, rounds = 8, 1, 1
		}
		var requests []decode.Request
		for i, p := range prompts {
			r := decode.Request{Prompt: p, Steps: 8 + apart*i, MaxTokens: tokens, Pick: decode.Filters{Greedy: true}}
			if i%2 == 1 {
				r.Strategy.Exit = &decode.Exit{Criterion: decode.Criteria[i%3].Name, MinSteps: 5 + i}
			}
			requests = append(requests, r)
		}
		s := session(b, m, engine.SessionOptions{Context: 96, MaxSteps: 32, Exits: true})
		many := session(b, m, engine.SessionOptions{Sequences: 8, Context: 96, MaxSteps: 32, Exits: true})
		alone := func(requests []decode.Request) func() float64 {
			return func() float64 {
				from := cpuTime()
				generated(b, m, s, requests, 1)
				return cpuTime() - from
			}
		}
		side := func(requests []decode.Request) func() float64 {
			return func() float64 {
				from := cpuTime()
				batch := engine.NewBatch(many)
				for i, r := range requests {
					if _, err := batch.Add(r, setting(i), func(decode.Token) error { return nil }, nil); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Run(context.Background()); err != nil {
					b.Fatal(err)
				}
				return cpuTime() - from
			}
		}
		first := slices.Clone(requests)
		for i := range first {
			first[i].MaxTokens = 1
		}
		for b.Loop() {
			t := inTurn(b, rounds, alone(requests), side(requests), alone(first), side(first))
			b.ReportMetric(t[0]/t[1], "of-one-by-one")
			b.ReportMetric((t[0]-t[2])/(t[1]-t[3]), "of-one-by-one-from-2nd-token")
		}
		b.ReportMetric(0, "ns/op")
	})
}
