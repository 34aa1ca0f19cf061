package engine_test

import (
	"context"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// int8s are options of products that take the norms' rows in 8 bits.
func int8s(s checkpoint.Scheme) engine.LoadOptions {
	return engine.LoadOptions{Weights: s, Kernels: shaders.Options{Activations: shaders.Int8Activations}}
}

// Activations in 8 bits are close to those in float32, and do not drift as the model thinks longer: the limits, in nats, are
// several times what they cost in the demo model.
func TestInt8Activations(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		for quant, limit := range map[string]float64{"q8_0": 1e-3, "q4_0": 1e-3} {
			exact, rounded := open(t, dev, store.DemoName, floats(scheme(t, quant, ""))), open(t, dev, store.DemoName, int8s(scheme(t, quant, "")))
			depths := []int{4, 32}
			if shortly(t) {
				depths = depths[:1]
			}
			for _, steps := range depths {
				kl := meanDivergence(t, exact, rounded, steps)
				t.Logf("%s, %d steps: KL %.2g", quant, steps, kl)
				if dev.Caps().IntegerDot && kl == 0 || !(kl < limit) {
					t.Errorf("%s, %d steps: KL %.2g, want above 0 and below %g", quant, steps, kl, limit)
				}
			}
		}
	})
}

// Prompts that go in tiles keep int8 activations where the device is fast at dot products, and come as close to floats so.
func TestInt8Tiles(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], asGPU)
	for _, quant := range []string{"q8_0", "q4_0"} {
		inTiles := engine.LoadOptions{Weights: scheme(t, quant, ""), Kernels: shaders.Options{Matrices: shaders.FloatTiles}} // and not on matrix units
		inFloats := inTiles
		inFloats.Kernels = inTiles.Kernels.Without([]shaders.Off{{Name: "int8 tiles"}})
		tiles, floats := open(t, dev, store.DemoName, inTiles), open(t, dev, store.DemoName, inFloats)
		if kl := meanDivergence(t, floats, tiles, 4); !(kl > 0 && kl < 1e-3) {
			t.Errorf("%s: KL %.2g, want above 0 and below 1e-3", quant, kl)
		}
	}
}

// meanDivergence is the mean Kullback-Leibler divergence of b's next-token distributions from a's over tasks as the demo model
// knows them.
func meanDivergence(t *testing.T, a, b *engine.Model, steps int) float64 {
	var sum float64
	var n int
	for _, text := range []string{"k=d;d=a;a=3;k?", "x=2;y=x;z=y;w=z;w?"} {
		tokens, err := a.EncodePrompt(text, false)
		if err != nil {
			t.Fatal(err)
		}
		var rows [2][][]float32
		for i, m := range []*engine.Model{a, b} {
			s := session(t, m, engine.SessionOptions{Outputs: 32, MaxSteps: steps})
			if rows[i], err = s.ForwardLogits(context.Background(), []engine.Input{{Tokens: tokens}}, steps); err != nil {
				t.Fatal(err)
			}
		}
		for i := range rows[0] {
			sum += divergence(rows[0][i], rows[1][i])
			n++
		}
	}
	return sum / float64(n)
}
