package reference

import (
	"math"
	"math/rand/v2"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/internal/golden"
	"muninn/shaders/plain"
)

// BenchmarkCacheRules tells how far the next token's distribution is from that of the cache that holds every loop (KL, mean over a
// text of 60 tokens behind a prompt of 20), under each rule for what was not run. The models' weights are random: it says that the
// rules differ, and how much they cost, not how well a trained model bears them.
func BenchmarkCacheRules(b *testing.B) {
	for _, name := range []string{"U-bf16", "W-f16"} {
		ck, err := checkpoint.OpenFolder(golden.Path(b, "goldens", "family", "models", name))
		if err != nil {
			b.Fatal(err)
		}
		m, err := New(ck)
		ck.Close()
		if err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		text := make([]int32, 80)
		for i := range text {
			text[i] = int32(rng.IntN(m.Config.VocabSize))
		}
		full, _ := nextTokens(b, m, text, "full", nil)
		for _, rule := range []string{decode.LookupLastExited, decode.LookupShared, decode.LookupDecodeLast} {
			for _, q := range []float64{1, 0.8, 0.5} {
				b.Run(name+"/"+rule+"/"+map[float64]string{1: "all", 0.8: "q0.8", 0.5: "q0.5"}[q], func(b *testing.B) {
					for b.Loop() {
						var exit *decode.Exit
						if q < 1 {
							exit = &decode.Exit{Criterion: decode.Gate, Threshold: q}
						}
						got, loops := nextTokens(b, m, text, rule, exit)
						var kl float64
						for i := range full {
							for j, p := range full[i] {
								kl += math.Exp(p) * (p - got[i][j])
							}
						}
						b.ReportMetric(kl/float64(len(full)), "KL")
						b.ReportMetric(loops, "loops/token")
					}
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

// nextTokens are the logarithms of the distributions after each token of a text behind its first 20, and the loops a token took.
func nextTokens(b *testing.B, m *Model, text []int32, rule string, exit *decode.Exit) (all [][]float64, loops float64) {
	lookup, err := decode.ParseLookup(rule, m.Config.NLayersInRecurrentBlock)
	if err != nil {
		b.Fatal(err)
	}
	s, err := m.NewSession(Options{Lookup: lookup, Context: len(text)})
	if err != nil {
		b.Fatal(err)
	}
	const prompt = 20
	do := func(a *decode.Task) {
		if err := s.Do(a); err != nil {
			b.Fatal(err)
		}
	}
	var rows []decode.TaskRow
	for i, token := range text {
		row := decode.TaskRow{Pos: i, Token: token, Begin: true}
		if rows = append(rows, row); i < prompt {
			if lookup.OneByOne || i == prompt-1 {
				do(&decode.Task{Rows: rows, Prompt: true, Last: true, Steps: m.Config.MeanRecurrence})
				rows = nil
			}
			continue
		}
		a := &decode.Task{Rows: rows, Steps: m.Config.MeanRecurrence, Exit: exit, Outputs: 1}
		a.Logits = func(l [][]float32) { all = append(all, plain.LogSoftmax(plain.Widen(l[0]))) }
		do(a)
		loops, rows = loops+float64(a.Taken)/float64(len(text)-prompt), nil
	}
	return all, loops
}
