package engine_test

import (
	"math"
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
