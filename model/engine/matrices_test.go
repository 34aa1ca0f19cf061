package engine_test

import (
	"testing"

	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// What a prompt on matrix units costs, in nats, stays far below what int8 activations may, at any depth.
func TestMatrixUnits(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		if len(dev.Caps().Matrices) == 0 {
			t.Logf("%s lists no cooperative matrices of halves", dev.Caps().Name)
			return
		}
		for quant, limit := range map[string]float64{"auto": 1e-5, "f16": 1e-5, "q8_0": 1e-5, "q4_0": 1e-5} {
			o := engine.LoadOptions{Weights: scheme(t, quant, ""), Kernels: shaders.Options{VecRows: 1, Matrices: shaders.FloatTiles, Activations: shaders.FloatActivations}}
			exact := open(t, dev, store.DemoName, o)
			o.Kernels.Matrices = shaders.MatrixUnits
			rounded := open(t, dev, store.DemoName, o)
			for _, steps := range []int{4, 32} {
				kl := meanDivergence(t, exact, rounded, steps)
				t.Logf("%s, %d steps: KL %.2g", quant, steps, kl)
				if kl == 0 || !(kl < limit) {
					t.Errorf("%s, %d steps: KL %.2g, want above 0 and below %g", quant, steps, kl, limit)
				}
			}
		}
	})
}
