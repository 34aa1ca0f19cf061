package engine_test

import (
	"slices"
	"testing"

	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders/roofline"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkDecode times one token of the demo model at num_steps 16, in CPU time on each of two cores: medians of 50 tokens.
//
//	go test -run - -bench Decode -benchtime 1x ./model
func BenchmarkDecode(b *testing.B) {
	for _, name := range vktest.Names() {
		b.Run(name, func(b *testing.B) {
			dev := vktest.Open(b, name, vk.Options{})
			m := open(b, dev, store.DemoName, engine.LoadOptions{})
			s := session(b, m, engine.SessionOptions{MaxSteps: 16, Context: 128})
			continued(b, s, 0, randomTokens(m, 20, 1), 3, 16, nil)
			var ms []float64
			for b.Loop() {
				if err := s.Rewind(0, 20); err != nil {
					b.Fatal(err)
				}
				for range 50 {
					from := cpuTime()
					continued(b, s, 0, []int32{5}, 1, 16, nil)
					ms = append(ms, (cpuTime()-from)*1e3/2)
				}
			}
			slices.Sort(ms)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms[len(ms)/2], "cpu-ms-a-core/token")
		})
	}
}

// cpuTime is the CPU time of this process in seconds; 0 where there is no telling.
func cpuTime() float64 { return roofline.CPUTime().Seconds() }
