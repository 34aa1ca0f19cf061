package engine_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

func scheme(t *testing.T, quant, keep string) checkpoint.Scheme {
	t.Helper()
	s, err := checkpoint.ParseScheme(quant, keep)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asGGUF writes a model as a GGUF file.
func asGGUF(t *testing.T, name string, s checkpoint.Scheme) string {
	t.Helper()
	ck, err := store.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := checkpoint.WriteGGUF(context.Background(), ck, path, checkpoint.WriteOptions{Scheme: s}); err != nil {
		t.Fatal(err)
	}
	return path
}

// logitsOf are the logits of a short text.
func logitsOf(t *testing.T, m *engine.Model) [][]float32 {
	t.Helper()
	s := session(t, m, engine.SessionOptions{Outputs: 16, MaxSteps: 4})
	rows, err := s.ForwardLogits(context.Background(), []engine.Input{{Tokens: randomTokens(m, 9, 4)}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// floats are options of products that take their inputs as they are.
func floats(s checkpoint.Scheme) engine.LoadOptions {
	return engine.LoadOptions{Weights: s, Kernels: shaders.Options{Activations: shaders.FloatActivations}}
}

// The device computes with the very weights that the blocks of a GGUF file hold, tensor by tensor; and quantizing while
// loading gives the same bits as loading such a file.
func TestQuantizedModel(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		hrm := golden.Path(t, "goldens", "family", "models", "H-bf16")
		for _, c := range [][3]string{{store.DemoName, "q8_0", ""}, {store.DemoName, "q4_0", "adapter=q8_0,embed=q4_0,coda=q8_0,prelude"},
			{hrm, "q4_0", ""}, {golden.Model(t, "L-bf16"), "q8_0", "adapter=q4_0"}} {
			t.Run(filepath.Base(c[0])+" "+c[1]+" "+c[2], func(t *testing.T) {
				s := scheme(t, c[1], c[2])
				path := asGGUF(t, c[0], s)
				stored := open(t, dev, path, floats(checkpoint.Scheme{}))
				compareTaps(t, stored, path)
				direct := open(t, dev, c[0], floats(s))
				if stored.WeightBytes() != direct.WeightBytes() {
					t.Errorf("%d bytes of weights, quantized while loading %d", stored.WeightBytes(), direct.WeightBytes())
				}
				a, b := logitsOf(t, stored), logitsOf(t, direct)
				for i := range a {
					for j := range a[i] {
						if math.Float32bits(a[i][j]) != math.Float32bits(b[i][j]) {
							t.Fatalf("row %d, logit %d: %g from the file, %g quantized while loading", i, j, a[i][j], b[i][j])
						}
					}
				}
			})
		}
	})
}

// Widths that are no whole blocks are quantized while loading, the rest of a row's last block being zero. The limit is a
// multiple of what rounding to 8 bits does here.
func TestQuantizedOddWidths(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		for _, c := range []struct {
			path, quant string
			limit       float64
		}{
			{golden.Model(t, "C-f16"), "q8_0", 0.05}, {golden.Model(t, "C-f16"), "q4_0", 0.8},
			{golden.Path(t, "goldens", "family", "models", "W-f16"), "q8_0", 0.05}, {golden.Path(t, "goldens", "family", "models", "S-bf16"), "q8_0", 0.05},
		} {
			want := logitsOf(t, open(t, dev, c.path, engine.LoadOptions{}))
			got := logitsOf(t, open(t, dev, c.path, floats(scheme(t, c.quant, "adapter=q8_0"))))
			var off, all float64
			for i := range want {
				for j := range want[i] {
					off += math.Pow(float64(got[i][j]-want[i][j]), 2)
					all += math.Pow(float64(want[i][j]), 2)
				}
			}
			if e := math.Sqrt(off / all); !(e < c.limit && e > 0) {
				t.Errorf("%s in %s: relative error %.4f of the logits, want below %g", filepath.Base(c.path), c.quant, e, c.limit)
			} else {
				t.Logf("%s in %s: relative error %.4f of the logits", filepath.Base(c.path), c.quant, e)
			}
		}
	})
}
