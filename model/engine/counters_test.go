package engine_test

import (
	"context"
	"errors"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/vk"
	"muninn/vk/vktest"
)

// TestDecodeCounters holds decoding to its promises by the device's own counters: what is read back, what is recorded,
// how many dispatches a layer costs.
func TestDecodeCounters(t *testing.T) {
	const tokens, steps = 16, 8
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		for _, c := range []struct {
			name string
			pick *decode.Filters
			down uint64  // bytes a token
			more float64 // dispatches a token beside those of layers: draws, and penalties that are taken back for the log probability
		}{
			{"greedy", nil, 64, 0},
			{"sampled from everything", &decode.Filters{Temperature: 1.5}, 4 << 10, 2},
			{"every filter", &decode.Filters{Temperature: 0.9, TopK: 40, TopP: 0.95, MinP: 0.02, RepetitionPenalty: 1.1}, 4 << 10, 7},
		} {
			t.Run(c.name, func(t *testing.T) {
				s := session(t, m, engine.SessionOptions{MaxSteps: steps, Context: 128})
				first := continued(t, s, 0, randomTokens(m, 9, 1), 2, steps, c.pick) // the first decoded token records
				before := dev.Counters()
				continued(t, s, 0, first[1:], tokens, steps, c.pick)
				after := dev.Counters()
				if down := (after.BytesDown - before.BytesDown) / tokens; down > c.down {
					t.Errorf("%d bytes read back a token, want at most %d", down, c.down)
				}
				if n := after.Recordings - before.Recordings; n != 0 {
					t.Errorf("%d recordings after the first token, want none", n)
				}
				cfg := m.Config
				layers := uint64(cfg.NLayersInPrelude + steps*cfg.NLayersInRecurrentBlock + cfg.NLayersInCoda)
				per := (float64(after.Dispatches-before.Dispatches) - c.more*tokens) / float64(tokens*layers)
				if per > 7 || per < 1 { // those of begin, step and end included
					t.Errorf("%.2f dispatches a layer, want at most 7", per)
				}
				t.Logf("%.2f dispatches a layer, %d bytes read back a token", per, (after.BytesDown-before.BytesDown)/tokens)
			})
		}
	})
}

// TestDispatchesPerLayer: what one layer more costs at decode, whatever the format of the weights: attention's product,
// bias, rope and cache, attention, its projection with the norms, the gated half, the MLP's projection with the norms; on GPUs the norms
// are apart.
func TestDispatchesPerLayer(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) { testDispatches(t, dev, 6) })
	vktest.EachWith(t, asGPU, func(t *testing.T, dev *vk.Device) { testDispatches(t, dev, 8) })
}

func testDispatches(t *testing.T, dev *vk.Device, most float64) {
	shape := func(core int) arch.Config {
		return arch.Config{
			NEmbd: 256, NHeads: 4, HeadDim: 64, IntermediateSize: 512, VocabSize: 64, PaddedVocabSize: 64, NLayersInPrelude: 1,
			NLayersInRecurrentBlock: core, NLayersInCoda: 1, BlockSize: 64, MeanRecurrence: 4, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
		}
	}
	for _, quant := range []string{"q4_0", "bf16"} { // with int8 activations, and without
		const steps = 4
		var counted [2]float64 // dispatches of a token with one core layer and with three
		for i, core := range []int{1, 3} {
			m, err := engine.Random(shape(core), dev, engine.LoadOptions{Weights: scheme(t, quant, "")})
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.NewSession(engine.SessionOptions{MaxSteps: steps, Context: 8})
			if err != nil {
				t.Fatal(err)
			}
			continued(t, s, 0, []int32{1}, 1, steps, nil)
			before := dev.Counters().Dispatches
			if _, err := s.Prefill(context.Background(), 0, []int32{2}, steps, nil); err != nil {
				t.Fatal(err)
			}
			counted[i] = float64(dev.Counters().Dispatches - before)
			s.Close()
			m.Close()
		}
		per := (counted[1] - counted[0]) / (2 * steps)
		if per > most || per < most-1 {
			t.Errorf("%s: %.2f dispatches a layer, want at most %g and no fewer than one less", quant, per, most)
		}
		t.Logf("%s: %.2f dispatches a layer, %v a token of 6 and 14 layers", quant, per, counted)
	}
}

// TestCancel: a cancelled run comes back with the context's error, and the session goes on from where it was.
func TestCancel(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{MaxSteps: 8})
		prompt := randomTokens(m, 5, 1)
		want := continued(t, s, 0, prompt, 6, 8, nil)
		if err := s.Rewind(0, 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Prefill(ctx, 0, prompt, 8, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled pass: %v, want context.Canceled", err)
		}
		if s.Pos(0) != 0 {
			t.Errorf("position %d after a cancelled pass, want 0", s.Pos(0))
		}
		got := continued(t, s, 0, prompt, 6, 8, nil)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("after a cancelled pass: %v, want %v", got, want)
			}
		}
	})
}

// TestRefusals: requests that cannot be served name what is wrong and leave the session as it was.
func TestRefusals(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	s := session(t, m, engine.SessionOptions{Context: 8, MaxSteps: 4})
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		in    []engine.Input
		steps int
	}{
		{"no input", nil, 4},
		{"no tokens", []engine.Input{{}}, 4},
		{"too many steps", []engine.Input{{Tokens: []int32{1}}}, 5},
		{"negative steps", []engine.Input{{Tokens: []int32{1}}}, -1},
		{"token outside the vocabulary", []engine.Input{{Tokens: []int32{512}}}, 4},
		{"negative token", []engine.Input{{Tokens: []int32{-1}}}, 4},
		{"unknown sequence", []engine.Input{{Seq: 1, Tokens: []int32{1}}}, 4},
		{"over the context", []engine.Input{{Tokens: make([]int32, 9)}}, 4},
	} {
		if _, err := s.Forward(ctx, c.in, c.steps); err == nil {
			t.Errorf("%s: accepted", c.name)
		} else {
			t.Logf("%s: %v", c.name, err)
		}
	}
	if _, err := s.Forward(ctx, []engine.Input{{Tokens: make([]int32, 9)}}, 4); !errors.Is(err, decode.ErrContextFull) {
		t.Errorf("over the context: %v, want ErrContextFull", err)
	}
	if s.Pos(0) != 0 {
		t.Errorf("position %d after refusals, want 0", s.Pos(0))
	}
	for _, o := range []engine.SessionOptions{{Context: 193}, {Context: -1}, {Sequences: -1}, {MaxSteps: -1}, {Sequences: 1 << 24}} {
		if s, err := m.NewSession(o); err == nil {
			s.Close()
			t.Errorf("session %+v: accepted", o)
		}
	}
}
