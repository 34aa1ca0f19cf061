package engine_test

import (
	"context"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine"
)

// BenchmarkAdaptive decodes tokens with an exit and plainly at the same steps each, token by token.
func BenchmarkAdaptive(b *testing.B) {
	benchModels(b, func(b *testing.B, m *engine.Model, prompts [][]int32) {
		s := session(b, m, engine.SessionOptions{Context: 96, MaxSteps: 32, Exits: true})
		huginn := m.Config.NEmbd > 1000
		for _, c := range []struct {
			name string
			exit decode.Exit
		}{
			{"latent-diff", decode.Exit{Criterion: decode.LatentDiff}},
			{"acceleration", decode.Exit{Criterion: decode.Acceleration}},
			{"kl-every-4", decode.Exit{Criterion: decode.KL, Every: 4}},
		} {
			b.Run(c.name, func(b *testing.B) {
				tokens := 24
				if huginn { // random weights never settle: the exit comes at the first check
					tokens, c.exit.Threshold, c.exit.MinSteps = 1, 1e9, 7
				}
				var steps []int
				run := func(exit *decode.Exit) func() float64 {
					return func() float64 {
						from := cpuTime()
						if err := s.Rewind(0, 0); err != nil {
							b.Fatal(err)
						}
						for i := range tokens {
							a := &decode.Task{Rows: []decode.TaskRow{{Pos: i, Token: prompts[i%8][i/8], Begin: true}}, Steps: 32, Exit: exit, Outputs: 1}
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
						return cpuTime() - from
					}
				}
				for b.Loop() {
					t := inTurn(b, 9, run(&c.exit), run(nil))
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
					if c.exit.Criterion == decode.KL { // a check is coda and head once more: its share of the products
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
func weightsOf(c arch.Config) (once, step, finish float64) {
	d, m := float64(c.NEmbd), float64(c.IntermediateSize)
	layer := 4*d*d + 3*d*m
	finish = float64(c.NLayersInCoda)*layer + d*float64(c.PaddedVocabSize)
	return float64(c.NLayersInPrelude)*layer + finish, float64(c.NLayersInRecurrentBlock)*layer + 2*d*d, finish
}
