package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// TestDeviceSpeculationIsPlain: at threshold 1 the text is that of plain decoding, whatever is drafted. MUNINN_TEST_PROMPTS=200 tries
// more than the few prompts of a test.
func TestDeviceSpeculationIsPlain(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		prompts := testSize(t, "MUNINN_TEST_PROMPTS", 16, 3)
		m := open(t, dev, store.DemoName, engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Context: 96, MaxSteps: 16, Outputs: 8})
		for i := range prompts {
			req := decode.Request{Prompt: randomTokens(m, 4+i%9, uint64(i)), Steps: 6 + i%3, MaxTokens: 10, Pick: decode.Filters{Greedy: i%2 == 0, Temperature: 1, Seed: uint64(i)}}
			var want, got []int32
			var depth []int
			for _, to := range []*[]int32{&want, &got} {
				if err := s.Rewind(0, 0); err != nil {
					t.Fatal(err)
				}
				s.SetSequence(0, setting(i))
				if _, err := m.Generate(context.Background(), s, 0, req, collect(to, &depth)); err != nil {
					t.Fatal(err)
				}
				req.Strategy.Speculative = &decode.Speculative{DraftSteps: 1 + i%7, Lookahead: 1 + i%8, Threshold: 1}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("prompt %d, %+v: tokens %v, plainly %v", i, *req.Strategy.Speculative, got, want)
			}
		}
	})
}
