package model_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"muninn/model"
	"muninn/model/arch"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/ref"
	"muninn/shaders/selftest"
	"muninn/vk"
	"muninn/vk/vktest"
)

// misread are options of kernels that take weights in bfloat16 for halves: those whose names begin so and end so.
func misread(t *testing.T, begin, end string) shaders.Options {
	t.Helper()
	code := map[string][]byte{}
	for _, name := range shaders.Names() {
		if strings.HasPrefix(name, begin) && strings.Contains(name, "_bf16") && strings.HasSuffix(name, end) {
			spirv, err := shaders.SPIRV(strings.Replace(name, "_bf16", "_f16", 1))
			if err != nil {
				t.Fatal(err)
			}
			code[name] = spirv
		}
	}
	return ref.Replacing(shaders.Options{}, code)
}

// Every matrix of every family is multiplied by a kernel that is tested first.
func TestNeedsCoverFamilies(t *testing.T) {
	for _, s := range arch.Shapes {
		for _, spec := range s.TensorSpecs() {
			formats := func(other arch.TensorSpec) format.Type {
				if other.Name == spec.Name {
					return format.Q4_0
				}
				return format.F32
			}
			needs := model.Options{}.Needs(s.Config, formats, model.SessionOptions{})
			if tested := slices.ContainsFunc(needs, func(n string) bool { return strings.HasSuffix(n, " q4_0") }); tested != spec.Matrix() {
				t.Errorf("%s: %s is tested: %t", s.Name, spec.Name, tested)
			}
		}
	}
}

// answer opens the demo with such kernels and asks it something.
func answer(t *testing.T, o model.Options) (text string, notes string, err error) {
	t.Helper()
	o.Note = func(text string) { notes += text + "\n" }
	o.SelfTest = selftest.Here(func(device string) (*vk.Device, error) { return vk.Open(vk.Options{Device: device}) })
	o.Session.MaxSteps = 16
	ctx := context.Background()
	m, err := model.Open(ctx, "demo", o)
	if err != nil {
		return "", notes, err
	}
	defer m.Close()
	s, err := m.NewSession(m.Size)
	if err != nil {
		return "", notes, err
	}
	defer s.Close()
	prompt, err := m.EncodePrompt("k=d;d=a;a=3;k?", false)
	if err != nil {
		return "", notes, err
	}
	req := model.Request{Prompt: prompt, Steps: 16, MaxTokens: 1, StopIDs: m.StopIDs()}
	req.Pick.Greedy = true
	_, err = m.Generate(ctx, s, 0, req, func(token model.Token) error { text += token.Text; return nil })
	return text, notes, err
}

// Kernels that compute wrongly on a device are found and done without: the answer stays right. Where nothing takes their place,
// opening says which; untested, the answer is nonsense.
func TestWrongKernels(t *testing.T) {
	for _, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			o := model.Options{Device: device, CacheDir: t.TempDir(), Kernels: misread(t, "matmul", "_sg")}
			for start, want := range []string{"done without subgroup", ""} {
				text, notes, err := answer(t, o)
				if err != nil || text != "3;" || want != "" && !strings.Contains(notes, want) || want == "" && strings.Contains(notes, "done without") {
					t.Errorf("start %d: %q, error %v\n%s", start, text, err, notes)
				}
			}
			dev, err := vk.Open(vk.Options{Device: device})
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			if v := o.Verdict(dev.Caps()); v.Word() == "right" || !strings.Contains(v.Off[len(v.Off)-1].Why, "matmul") {
				t.Errorf("verdict %q: %+v", v.Word(), v)
			}
			o.NoSelfTest = true
			if text, _, err := answer(t, o); text == "3;" {
				t.Errorf("kernels that are wrong answer %q, error %v: the test above shows nothing", text, err)
			}
			o.NoSelfTest, o.Kernels = false, misread(t, "embed", "")
			o.CacheDir = t.TempDir()
			if text, _, err := answer(t, o); !errors.Is(err, selftest.ErrRefused) || !strings.Contains(err.Error(), "embed_bf16") {
				t.Errorf("%q, error %v", text, err)
			}
		})
	}
}

// A small model is not kept waiting while the device is measured, nor for kernels that are large.
func TestSmallModelIsNotMeasured(t *testing.T) {
	for _, device := range vktest.Names() {
		m, err := model.Open(t.Context(), "demo", model.Options{Device: device, NoCache: true, NoSelfTest: true})
		if err != nil {
			t.Fatal(err)
		}
		d := vktest.Open(t, device, vk.Options{})
		if got := m.Device().Counters(); got.Submissions > 1 || m.Device().Speed() != d.Speed() {
			t.Errorf("%s: opened with %+v, at %+v", device, got, m.Device().Speed())
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
