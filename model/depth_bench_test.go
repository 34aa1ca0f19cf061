package model_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model"
	"muninn/model/demo"
	"muninn/shaders"
	"muninn/shaders/roof"
	"muninn/vk"
	"muninn/vk/vktest"
)

// Depth as a control, in CPU time, all sides of a ratio in turn in one run, medians of three rounds (first of all one that is
// not counted). huginn is the core block of Huginn with random weights in q8_0 and a small vocabulary, one prelude and one
// coda layer.
//
//	go test -run - -bench 'Adaptive|Speculative|Wave|Side' -benchtime 1x -timeout 60m ./model

// benchModels are what depth is measured on.
func benchModels(b *testing.B, run func(b *testing.B, m *model.Model, prompts [][]int32)) {
	dev := vktest.Open(b, vktest.Names()[0], vk.Options{})
	if _, err := roof.Calibrate(b.Context(), dev); err != nil { // work is cut as the commands cut it
		b.Fatal(err)
	}
	b.Run("demo", func(b *testing.B) {
		m := open(b, dev, model.DemoName, model.Options{})
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
		scheme, err := model.ParseScheme("q8_0", "")
		if err != nil {
			b.Fatal(err)
		}
		m, err := model.Random(model.Config{
			NEmbd: 5280, NHeads: 55, HeadDim: 96, IntermediateSize: 17920, VocabSize: 1024, PaddedVocabSize: 1024,
			NLayersInPrelude: 1, NLayersInRecurrentBlock: 4, NLayersInCoda: 1,
			BlockSize: 256, MeanRecurrence: 32, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
		}, scheme, dev)
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

// inTurn times each side once a round and gives the medians of the rounds but the first, in seconds of CPU time.
func inTurn(b *testing.B, sides ...func()) []float64 {
	b.Helper()
	const rounds = 3
	times := make([][]float64, len(sides))
	for round := range rounds + 1 {
		for i, side := range sides {
			from := cpuTime()
			side()
			if round > 0 {
				times[i] = append(times[i], cpuTime()-from)
			}
		}
	}
	var medians []float64
	for _, t := range times {
		slices.Sort(t)
		medians = append(medians, t[len(t)/2])
	}
	return medians
}

// BenchmarkAdaptive decodes tokens with an exit and plainly at the same steps each, token by token.
func BenchmarkAdaptive(b *testing.B) {
	benchModels(b, func(b *testing.B, m *model.Model, prompts [][]int32) {
		s := session(b, m, model.SessionOptions{Context: 96, MaxSteps: 32, Exits: true})
		huginn := m.Config.NEmbd > 1000
		for _, c := range []struct {
			name string
			exit model.Exit
		}{
			{"latent-diff", model.Exit{Criterion: model.LatentDiff}},
			{"acceleration", model.Exit{Criterion: model.Acceleration}},
			{"kl-every-4", model.Exit{Criterion: model.KL, Every: 4}},
		} {
			b.Run(c.name, func(b *testing.B) {
				tokens := 24
				if huginn { // random weights never settle: the exit comes at the first check
					tokens, c.exit.Threshold, c.exit.MinSteps = 1, 1e9, 7
				}
				var steps []int
				run := func(exit *model.Exit) func() {
					return func() {
						if err := s.Rewind(0, 0); err != nil {
							b.Fatal(err)
						}
						for i := range tokens {
							a := &model.Ask{Rows: []model.AskRow{{Pos: i, Token: prompts[i%8][i/8], Begin: true}}, Steps: 32, Exit: exit, Outputs: 1}
							if exit == nil {
								a.Steps = steps[i]
							}
							if err := s.Do(context.Background(), a); err != nil {
								b.Fatal(err)
							}
							if exit != nil {
								steps = append(steps[:i], a.Taken)
							}
						}
					}
				}
				for b.Loop() {
					t := inTurn(b, run(&c.exit), run(nil))
					total, checks := 0, 0
					for _, n := range steps {
						total += n
						for i := range n {
							if c.exit.Checks(i) {
								checks++
							}
						}
					}
					b.ReportMetric(float64(total)/float64(tokens), "steps/token")
					b.ReportMetric(t[1]/t[0], "of-plain")
					if c.exit.Criterion == model.KL { // a check is coda and head once more: its share of the products
						once, step, check := weightsOf(m.Config)
						bound := (float64(tokens)*once + float64(total)*step) / (float64(tokens)*once + float64(total)*step + float64(checks)*check)
						b.ReportMetric(t[1]/t[0]/bound, "of-bound")
					}
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	})
}

// weightsOf are the weights that a token goes through once, at each core step, and for its coda and head.
func weightsOf(c model.Config) (once, step, finish float64) {
	d, m := float64(c.NEmbd), float64(c.IntermediateSize)
	layer := 4*d*d + 3*d*m
	finish = float64(c.NLayersInCoda)*layer + d*float64(c.PaddedVocabSize)
	return float64(c.NLayersInPrelude)*layer + finish, float64(c.NLayersInRecurrentBlock)*layer + 2*d*d, finish
}

// generated runs requests one after the other, each on a sequence of its own.
func generated(b *testing.B, m *model.Model, s *model.Session, requests []model.Request) (tokens, passes int) {
	b.Helper()
	for i, req := range requests {
		if err := s.Rewind(0, 0); err != nil {
			b.Fatal(err)
		}
		s.SetSequence(0, setting(i))
		out, err := m.Generate(context.Background(), s, 0, req, func(model.Token) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		tokens, passes = tokens+out.Emitted, passes+out.Passes
	}
	return tokens, passes
}

func requestsOf(prompts [][]int32, steps, tokens int, sampler model.Sampler) []model.Request {
	var list []model.Request
	for _, p := range prompts {
		list = append(list, model.Request{Prompt: p, Steps: steps, MaxTokens: tokens, Pick: model.Sampling{Greedy: true}, Sampler: sampler})
	}
	return list
}

// BenchmarkSpeculative drafts with 4 steps and verifies with 32, against plain decoding at 32: core passes a token, and speed.
func BenchmarkSpeculative(b *testing.B) {
	benchModels(b, func(b *testing.B, m *model.Model, prompts [][]int32) {
		s := session(b, m, model.SessionOptions{Context: 96, MaxSteps: 32, Outputs: 8, KV: shaders.KVF16})
		tokens := 16
		if m.Config.NEmbd > 1000 {
			prompts, tokens = prompts[:1], 4
		}
		var sides []func()
		var passes [3]float64
		for i, lookahead := range []int{0, 4, 8} {
			sampler := model.Sampler{}
			if lookahead > 0 {
				sampler.Speculative = &model.Speculative{DraftSteps: 4, Lookahead: lookahead, Threshold: 1}
			}
			sides = append(sides, func() {
				n, p := generated(b, m, s, requestsOf(prompts, 32, tokens, sampler))
				passes[i] = float64(p) / float64(n)
			})
		}
		for b.Loop() {
			t := inTurn(b, sides...)
			b.ReportMetric(passes[0], "plain-passes/token")
			b.ReportMetric(passes[1], "passes/token-4")
			b.ReportMetric(passes[2], "passes/token-8")
			b.ReportMetric(t[0]/t[1], "of-plain-4")
			b.ReportMetric(t[0]/t[2], "of-plain-8")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkWave freezes a token each outer step of 4 core steps, which keeps 9 positions in flight at num_steps 32, against
// plain decoding at 32.
func BenchmarkWave(b *testing.B) {
	benchModels(b, func(b *testing.B, m *model.Model, prompts [][]int32) {
		s := session(b, m, model.SessionOptions{Context: 96, MaxSteps: 32, Outputs: 16, Rows: 48, Compares: 16, KV: shaders.KVF16})
		wave := model.PaperWave
		wave.Freeze, wave.MaxWavefront = model.FreezeFixed, 8
		tokens := 32
		if m.Config.NEmbd > 1000 {
			prompts, tokens = prompts[:1], 24
		}
		var n [2]int
		plain := func() { n[0], _ = generated(b, m, s, requestsOf(prompts, 32, tokens/8, model.Sampler{})) }
		waves := func() { n[1], _ = generated(b, m, s, requestsOf(prompts, 32, tokens, model.Sampler{Wave: &wave})) }
		for b.Loop() {
			t := inTurn(b, plain, waves)
			b.ReportMetric(t[0]/float64(n[0])/(t[1]/float64(n[1])), "of-plain")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkSide runs 8 requests of different depths and criteria side by side, and one after the other.
func BenchmarkSide(b *testing.B) {
	benchModels(b, func(b *testing.B, m *model.Model, prompts [][]int32) {
		tokens := 16
		if m.Config.NEmbd > 1000 {
			tokens = 3
		}
		var requests []model.Request
		for i, p := range prompts {
			r := model.Request{Prompt: p, Steps: 8 + 3*i, MaxTokens: tokens, Pick: model.Sampling{Greedy: true}}
			if i%2 == 1 {
				r.Sampler.Exit = &model.Exit{Criterion: model.Criteria()[i%3].Name, MinSteps: 5 + i}
			}
			requests = append(requests, r)
		}
		s := session(b, m, model.SessionOptions{Context: 96, MaxSteps: 32, Exits: true})
		many := session(b, m, model.SessionOptions{Sequences: 8, Context: 96, MaxSteps: 32, Exits: true})
		for b.Loop() {
			t := inTurn(b, func() { generated(b, m, s, requests) }, func() {
				batch := model.NewBatch(many)
				for i, r := range requests {
					if _, err := batch.Add(r, setting(i), func(model.Token) error { return nil }, nil); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Run(context.Background()); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(t[0]/t[1], "of-one-by-one")
		}
		b.ReportMetric(0, "ns/op")
	})
}
