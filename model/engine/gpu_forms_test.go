package engine_test

import (
	"math"
	"strings"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A device that says it is a GPU runs products and norms by workgroups of several subgroups. What the demo decodes there is what it decodes by
// the kernels of CPU devices, but for rounding.
func TestDecodesAsGPU(t *testing.T) {
	name := vktest.Names()[0]
	asGPU := vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.Type = "discrete" })
	for _, quant := range []string{"auto", "q4_0"} {
		scheme, err := checkpoint.ParseScheme(quant, "")
		if err != nil {
			t.Fatal(err)
		}
		var want []decode.Choice
		for _, device := range []vk.Options{{}, asGPU} {
			o := engine.LoadOptions{Weights: scheme, Kernels: shaders.Options{Activations: shaders.FloatActivations}}
			s := session(t, open(t, vktest.Open(t, name, device), store.DemoName, o), engine.SessionOptions{Context: 64, Rows: 16, MaxSteps: 8})
			var got []decode.Choice
			for n, tokens := range [][]int32{{5, 9, 20, 33, 41, 7, 12}, {6}, {30}, {4, 8}} {
				c, err := s.Prefill(t.Context(), 0, tokens, 8, nil)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, c)
				if want == nil {
					continue
				}
				if w := want[n]; c.Token != w.Token || math.Abs(float64(c.Logit-w.Logit)) > 1e-3*math.Abs(float64(w.Logit)) {
					t.Errorf("%s: %+v, want %+v", quant, c, w)
				}
			}
			if want == nil {
				want = got
			}
		}
	}
}

// Attention of a prompt by the kernels of GPUs, with heads of a key together and many rows sharing what is loaded, gives what the kernels of CPU
// devices give, but for rounding; on matrix units, where the device has them, as near as products there.
func TestAttentionAsGPU(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	floats := shaders.Options{Activations: shaders.FloatActivations}
	staged, units := floats, shaders.Options{VecRows: 1, Matrices: shaders.MatrixUnits}
	staged.Loads = shaders.StorageBuffers
	forms := []shaders.Options{floats, staged}
	if len(dev.Caps().Matrices) > 0 {
		forms = append(forms, units.Without([]shaders.Off{{Name: "attention in halves"}}), units)
	}
	const rows = 96 // more than 64 tokens: many
	text := strings.Repeat("q=7;a=q;b=a;c=b;d=c;", 15) + "d?"
	for _, kv := range shaders.KVTypes() {
		var want [][]float32
		for i, o := range forms {
			m := open(t, dev, store.DemoName, engine.LoadOptions{Kernels: o})
			s := session(t, m, engine.SessionOptions{Context: rows + 8, Rows: rows, Outputs: rows, MaxSteps: 8, KV: kv})
			tokens, err := m.EncodePrompt(text, false)
			if err != nil || len(tokens) <= 64 || len(tokens) > rows {
				t.Fatalf("%d tokens, %v", len(tokens), err)
			}
			got, err := s.ForwardLogits(t.Context(), []engine.Input{{Tokens: tokens}}, 8)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
				continue
			}
			var sum float64
			for n, row := range got {
				sum += divergence(want[n], row) / float64(len(got))
			}
			t.Logf("%s, form %d: KL %.2g", kv, i, sum)
			if limit := []float64{1: 1e-7, 2: 1e-5, 3: 1e-5}[i]; !(sum < limit) {
				t.Errorf("%s, form %d: KL %.2g, want below %g", kv, i, sum, limit)
			}
		}
	}
}
