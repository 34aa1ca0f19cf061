package engine_test

import (
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/shaders"
	"muninn/shaders/roofline"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkClients: how many times the tokens of one client eight get at once in the same CPU time, from Huginn's core in q8_0 behind
// a Loop, as a server runs it. Half of them leave their core steps early.
//
//	go test -run - -bench Clients -benchtime 1x ./model/engine
func BenchmarkClients(b *testing.B) {
	dev := vktest.Open(b, vktest.Names()[0], vk.Options{})
	if _, err := roofline.Calibrate(b.Context(), dev); err != nil {
		b.Fatal(err)
	}
	scheme, err := checkpoint.ParseScheme("q8_0", "")
	if err != nil {
		b.Fatal(err)
	}
	shape, err := arch.ParseShape("huginn-core")
	if err != nil {
		b.Fatal(err)
	}
	m, err := engine.Random(shape.Config, dev, engine.LoadOptions{Weights: scheme})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	const context = 64
	l := engine.NewLoop(session(b, m, engine.SessionOptions{Sequences: 8, Context: context, Positions: 8 * context, MaxSteps: 4, Exits: true, KV: shaders.KVF16}), engine.LoopOptions{})
	defer l.Close()
	run := func(clients int) (seconds float64) {
		from := cpuTime()
		var streams []*engine.Stream
		for i := range clients {
			req := decode.Request{Prompt: randomTokens(m, 3, uint64(i)), Steps: 4, MaxTokens: 6, Pick: decode.Filters{Greedy: true}}
			if i%2 == 1 {
				req.Strategy.Exit = &decode.Exit{Criterion: decode.LatentDiff, MinSteps: 2}
			}
			s, err := l.Submit(b.Context(), req, setting(0))
			if err != nil {
				b.Fatal(err)
			}
			streams = append(streams, s)
		}
		for _, s := range streams {
			if out, err := s.Outcome(); err != nil || out.Emitted != 6 {
				b.Fatalf("%d tokens, %v", out.Emitted, err)
			}
		}
		return cpuTime() - from
	}
	for b.Loop() {
		t := inTurn(b, 5, func() float64 { return run(1) }, func() float64 { return run(8) })
		b.ReportMetric(8/t[1], "tokens-of-one-client")
	}
	b.ReportMetric(0, "ns/op")
}
