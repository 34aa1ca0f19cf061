package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkSecondTurn times the first token of a question of 20 tokens, in CPU time: after 1000 tokens of a chat that the session
// holds, beside an empty chat, at one core step, of which every other is a repetition. It fails where the history costs more than twice
// the question itself.
//
//	go test -run - -bench SecondTurn -benchtime 1x -timeout 60m ./model/engine
func BenchmarkSecondTurn(b *testing.B) {
	shape, err := arch.ParseShape("huginn-core")
	if err != nil {
		b.Fatal(err)
	}
	scheme, err := checkpoint.ParseScheme("q8_0", "")
	if err != nil {
		b.Fatal(err)
	}
	m, err := engine.Random(shape.Config, vktest.Open(b, vktest.Names()[0], vk.Options{}), engine.LoadOptions{Weights: scheme})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	s := session(b, m, engine.SessionOptions{Context: 1100, MaxSteps: 1})
	first := func(said []int32, seed uint64) float64 {
		req := decode.Request{Prompt: slices.Concat(said, randomTokens(m, 20, seed)), Steps: 1, MaxTokens: 1, Pick: decode.Filters{Greedy: true}}
		if err := s.Rewind(0, len(said)); err != nil {
			b.Fatal(err)
		}
		var err error
		from := cpuTime()
		if req.Held, err = s.Sync(0, req); err != nil || req.Held != len(said) {
			b.Fatalf("%d of %d tokens held, %v", req.Held, len(said), err)
		}
		if _, err := m.Generate(context.Background(), s, 0, req, func(decode.Token) error { return nil }); err != nil {
			b.Fatal(err)
		}
		return cpuTime() - from
	}
	var empty, later []float64
	first(nil, 1) // records the programs
	for range 5 {
		empty = append(empty, first(nil, 1))
	}
	said := randomTokens(m, 1000, 2)
	if err := s.Rewind(0, 0); err != nil {
		b.Fatal(err)
	}
	continued(b, s, 0, said, 1, 1, nil)
	first(said, 1)
	for b.Loop() {
		for i := range 5 {
			later = append(later, first(said, uint64(3+i)))
		}
	}
	slices.Sort(empty)
	slices.Sort(later)
	ratio := later[2] / empty[2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(empty[2], "cpu-s/empty")
	b.ReportMetric(later[2], "cpu-s/later")
	b.ReportMetric(ratio, "ratio")
	if ratio > 3 {
		b.Errorf("%.2f times that of an empty chat", ratio)
	}
}
