package engine_test

import (
	"context"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkGateExits decodes tokens that leave by Ouro's gate after 1 to 4 loops, three layers of its block and a small vocabulary:
// against plain decoding with as many loops each, and eight sequences together against one after the other.
func BenchmarkGateExits(b *testing.B) {
	c := shape(b, "ouro-1.4b")
	c.NLayersInRecurrentBlock, c.VocabSize, c.PaddedVocabSize = 3, 1024, 1024
	scheme, err := checkpoint.ParseScheme("q8_0", "")
	if err != nil {
		b.Fatal(err)
	}
	const side, tokens = 8, 8
	m, err := engine.Random(c, vktest.Open(b, vktest.Names()[0], vk.Options{}), engine.LoadOptions{Weights: scheme})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	s := session(b, m, engine.SessionOptions{Sequences: side, Context: 32, MaxSteps: 4, Exits: true, Rows: side})
	// task is token i of a sequence, which leaves after its number of loops.
	task := func(seq, i int, gated bool) *decode.Task {
		loops := 1 + (seq+i)%4
		a := &decode.Task{Seq: seq, Rows: []decode.TaskRow{{Pos: i, Token: int32(7*seq + i), Begin: true}}, Steps: loops, Outputs: 1}
		if gated {
			a.Steps, a.Exit = 4, &decode.Exit{Criterion: decode.Gate, Threshold: []float64{0.4, 0.6, 0.8, 0.9}[loops-1]} // half of what is left leaves after each
		}
		return a
	}
	do := func(tasks ...*decode.Task) {
		if err := s.Do(context.Background(), tasks...); err != nil {
			b.Fatal(err)
		}
		for _, a := range tasks {
			if want := 1 + (a.Seq+a.Rows[0].Pos)%4; a.Taken != want {
				b.Fatalf("sequence %d left after %d loops, want %d", a.Seq, a.Taken, want)
			}
		}
	}
	run := func(together, gated bool) func() float64 {
		return func() float64 {
			from := cpuTime()
			for i := range tokens {
				var tasks []*decode.Task
				for seq := range side {
					if tasks = append(tasks, task(seq, i, gated)); !together {
						do(tasks...)
						tasks = nil
					}
				}
				if len(tasks) > 0 {
					do(tasks...)
				}
			}
			t := cpuTime() - from
			for seq := range side {
				if err := s.Rewind(seq, 0); err != nil {
					b.Fatal(err)
				}
			}
			return t
		}
	}
	for b.Loop() {
		t := inTurn(b, 5, run(false, false), run(false, true), run(true, true))
		b.ReportMetric(t[0]/t[1], "of-plain")
		b.ReportMetric(t[1]/t[2], "together")
	}
	b.ReportMetric(0, "ns/op")
}

func shape(b *testing.B, name string) arch.Config {
	s, err := arch.ParseShape(name)
	if err != nil {
		b.Fatal(err)
	}
	return s.Config
}
