package engine_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/vk"
	"muninn/vk/vktest"
)

// randomShape is a small shape whose rows are no whole blocks of weights.
func randomShape(prelude, coda int) arch.Config {
	return arch.Config{
		NEmbd: 80, NHeads: 2, HeadDim: 40, IntermediateSize: 144, VocabSize: 70, PaddedVocabSize: 70, NLayersInPrelude: prelude,
		NLayersInRecurrentBlock: 2, NLayersInCoda: coda, BlockSize: 32, MeanRecurrence: 4, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
	}
}

func random(t *testing.T, dev *vk.Device, c arch.Config, quant string) *engine.Model {
	t.Helper()
	m, err := engine.Random(c, dev, engine.LoadOptions{Weights: scheme(t, quant, "")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// Random weights give logits that are numbers and not all alike, in every format, and with nothing but a core block.
func TestRandom(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		for _, quant := range checkpoint.QuantNames() {
			for _, around := range []int{0, 1} {
				m := random(t, dev, randomShape(around, around), quant)
				s := session(t, m, engine.SessionOptions{MaxSteps: 4, Outputs: 3})
				rows, err := s.ForwardLogits(context.Background(), []engine.Input{{Tokens: []int32{1, 2, 3}}}, 4)
				if err != nil {
					t.Fatal(err)
				}
				for i, row := range rows {
					if d := deviation(row); !(d > 0.01 && d < 100) {
						t.Errorf("%s, %d layers around: deviation %g of the logits of row %d", quant, around, d, i)
					}
				}
			}
		}
	})
}

// The shapes of other families run with random weights, here in small.
func TestRandomFamilies(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		for _, shape := range arch.Shapes {
			c := shape.Config
			if c.Family == nil {
				continue
			}
			c.NKVHeads, c.NHeads = max(1, 4*c.KVHeads()/c.NHeads), 4
			c.NEmbd, c.HeadDim, c.IntermediateSize, c.VocabSize, c.PaddedVocabSize, c.BlockSize = 96, 24, 144, 70, 70, 32
			c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda = min(c.NLayersInPrelude, 1), 2, min(c.NLayersInCoda, 1)
			for _, quant := range []string{"auto", "q4_0"} {
				m := random(t, dev, c, quant)
				rows, err := session(t, m, engine.SessionOptions{MaxSteps: 4, Outputs: 3}).ForwardLogits(context.Background(), []engine.Input{{Tokens: []int32{1, 2, 3}}}, 4)
				if err != nil {
					t.Fatal(err)
				}
				for i, row := range rows {
					if d := deviation(row); !(d > 0.01 && d < 100) {
						t.Errorf("%s in %s: deviation %g of the logits of row %d", shape.Name, quant, d, i)
					}
				}
			}
		}
	})
}

// deviation is the standard deviation of a row of logits.
func deviation(row []float32) float64 {
	var sum, squares float64
	for _, x := range row {
		sum, squares = sum+float64(x), squares+float64(x)*float64(x)
	}
	n := float64(len(row))
	return math.Sqrt(squares/n - sum*sum/n/n)
}

// A model of random weights takes what is planned for one with these formats.
func TestRandomSize(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	sizes := map[string]uint64{}
	for _, quant := range []string{"auto", "bf16", "f32", "q4_0"} {
		sizes[quant] = random(t, dev, arch.Config{
			NEmbd: 512, NHeads: 8, HeadDim: 64, IntermediateSize: 1024, VocabSize: 64, PaddedVocabSize: 64, NLayersInRecurrentBlock: 4,
			BlockSize: 32, MeanRecurrence: 4, RopeBase: 50000, NormEps: 1e-6,
		}, quant).WeightBytes()
	}
	if sizes["auto"] != sizes["bf16"] || sizes["f32"] < 3*sizes["bf16"]/2 || sizes["q4_0"] > sizes["bf16"]/2 {
		t.Errorf("bytes by format: %v", sizes)
	}
}

// A step at a time is the same bits as all at once.
func TestCoreSteps(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		const steps = 3
		m := random(t, dev, randomShape(1, 1), "q8_0")
		s := session(t, m, engine.SessionOptions{MaxSteps: steps, Rows: 16})
		for _, n := range []int{1, 5, 16} {
			tokens := randomTokens(m, n, 3)
			if err := s.Rewind(0, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Prefill(context.Background(), 0, tokens, steps, nil); err != nil {
				t.Fatal(err)
			}
			want, err := s.Latents(n)
			if err != nil {
				t.Fatal(err)
			}
			step, err := s.CoreSteps(context.Background(), tokens)
			for range steps {
				if err == nil {
					err = step()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Latents(n)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				for j := range want[i] {
					if math.Float32bits(got[i][j]) != math.Float32bits(want[i][j]) {
						t.Fatalf("%d rows: state %d of row %d is %g a step at a time, %g at once", n, j, i, got[i][j], want[i][j])
					}
				}
			}
			if err := step(); err == nil {
				t.Error("a step that the cache has no slot for: accepted")
			}
		}
		if _, err := s.CoreSteps(context.Background(), randomTokens(m, 17, 3)); err == nil {
			t.Error("17 rows in a session of 16: accepted")
		}
	})
}

func TestCheckShape(t *testing.T) {
	for name, change := range map[string]func(*arch.Config){
		"no core":        func(c *arch.Config) { c.NLayersInRecurrentBlock = 0 },
		"negative coda":  func(c *arch.Config) { c.NLayersInCoda = -1 },
		"uneven heads":   func(c *arch.Config) { c.NHeads = 3 },
		"odd head size":  func(c *arch.Config) { c.NEmbd, c.HeadDim = 82, 41 },
		"wide heads":     func(c *arch.Config) { c.NHeads, c.NEmbd, c.HeadDim = 1, 1<<12, 1<<12 },
		"no mlp":         func(c *arch.Config) { c.IntermediateSize = 0 },
		"no vocabulary":  func(c *arch.Config) { c.PaddedVocabSize = 0 },
		"endless layers": func(c *arch.Config) { c.NLayersInPrelude = 1 << 20 },
		"no positions":   func(c *arch.Config) { c.BlockSize = 0 },
		"no eps":         func(c *arch.Config) { c.NormEps = math.NaN() },
	} {
		c := randomShape(1, 1)
		if err := engine.CheckShape(c); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := engine.CheckShape(c); !errors.Is(err, checkpoint.ErrModel) {
			t.Errorf("%s: %v, want ErrModel", name, err)
		}
	}
}
