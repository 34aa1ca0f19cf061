package model_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"muninn/model"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
	"muninn/vk/vktest"
)

// said is what the demo says by such kernels, with logits, of a prompt that goes in one pass and of one token after another.
func said(t *testing.T, device string, kernels shaders.Options, temperature float64) (tokens []model.Token) {
	t.Helper()
	m, err := model.Open(t.Context(), "demo", model.Options{Device: device, NoCache: true, NoSelfTest: true, Kernels: kernels, Tune: tune.Off, Session: model.SessionOptions{MaxSteps: 8}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(m.Size)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prompt, err := m.EncodePrompt("k=d;d=a;a=3;k?", false)
	if err != nil {
		t.Fatal(err)
	}
	req := model.Request{Prompt: prompt, Steps: 8, MaxTokens: 24}
	req.Pick.Greedy = temperature == 0
	req.Pick.Temperature = temperature
	req.Pick.Seed = 7
	if _, err = m.Generate(context.Background(), s, 0, req, func(token model.Token) error { tokens = append(tokens, token); return nil }); err != nil {
		t.Fatal(err)
	}
	return tokens
}

// What is measured of a GEMV but for the lanes that share a row, and a norm by itself, change no bit of what is said: logits are equal, in parts
// as wide as can be and as narrow.
func TestTunedBits(t *testing.T) {
	for _, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			want := said(t, device, shaders.Options{}, 0.8)
			for _, g := range []shaders.GEMV{{Groups: 1, WeightRows: 2, XRows: 2, Depth: 1}, {Groups: 1, WeightRows: 8, XRows: 16, Depth: 2}} {
				o := shaders.Options{Measured: shaders.Measured{Settings: []shaders.Setting{{Name: "norm rows", Value: "0", Why: "a test"}}}}
				for _, op := range []string{"matmul", "swiglu", "adapter"} {
					o.Measured.GEMVs = append(o.Measured.GEMVs, shaders.MeasuredGEMV{Product: shaders.Product{Op: op, Format: format.BF16}, GEMV: g})
				}
				got := said(t, device, o, 0.8)
				if !slices.EqualFunc(got, want, func(a, b model.Token) bool { return a.Token == b.Token && a.Logit == b.Logit }) {
					t.Errorf("by %s: %v, want %v", tune.Form(g), got, want)
				}
			}
		})
	}
}

// Settings of the device that were measured are given up where what a run needs, and the measuring did not test, is wrong by them.
func TestMeasuredSettingsAreProven(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	measured, err := json.Marshal(tune.Result{Level: tune.Quick, Ratio: 0.5, Proven: []string{"rest"},
		Measured: shaders.Measured{Settings: []shaders.Setting{{Name: "subgroup", Value: "8", Why: "measured"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for wrong, want := range map[string]int{"": 1, "infinity": 0} {
		var tested []string
		o := model.Options{Tune: tune.Quick, CacheDir: t.TempDir(), SelfTest: func(_ context.Context, j selftest.Job, tell func(selftest.Event)) error {
			if j.Tune != nil {
				tell(selftest.Event{Tuned: measured})
			} else if len(j.Kernels.Measured.Settings) > 0 {
				tested = append(tested, j.Needs...)
				tell(selftest.Event{Kernels: []string{"sample"}, Result: true, Wrong: wrong})
			}
			return nil
		}}
		c := arch.Shapes[0].Config
		formats := weights.DeviceFormats(checkpoint.Scheme{}, c, engine.RandomStored)
		kernels, found, err := o.Prepare(t.Context(), dev, c, formats, model.SessionOptions{})
		if err != nil || len(kernels.Measured.Settings) != want || len(found.Said()) != want || len(tested) == 0 || slices.Contains(tested, "rest") {
			t.Errorf("wrong %q: %+v, %+v, tested %v, %v", wrong, kernels.Measured, found, tested, err)
		}
	}
}
