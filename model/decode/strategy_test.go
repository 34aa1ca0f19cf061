package decode

import "testing"

// What a device need not be tested for is not asked of it.
func TestSimple(t *testing.T) {
	simple := Request{Steps: 8, Pick: Filters{Greedy: true, TopK: 50, RepetitionPenalty: 1, DRYBase: 1.75}, Strategy: Strategy{Noise: StateNoise{Type: "fixed"}}}
	if !simple.Simple() {
		t.Error("the demo's request is not simple")
	}
	for name, change := range map[string]func(r *Request){
		"drawn": func(r *Request) { r.Pick.Greedy = false }, "penalty": func(r *Request) { r.Pick.RepetitionPenalty = 1.1 },
		"presence": func(r *Request) { r.Pick.PresencePenalty = 1 }, "frequency": func(r *Request) { r.Pick.FrequencyPenalty = 1 },
		"bias": func(r *Request) { r.Pick.Bias = map[int32]float32{1: 1} }, "top": func(r *Request) { r.Top = 1 },
		"score": func(r *Request) { r.Score = true }, "exit": func(r *Request) { r.Strategy.Exit = &Exit{} },
		"noise": func(r *Request) { r.Strategy.Noise.Weight = 0.1 }, "wave": func(r *Request) { r.Strategy.Wave = &Wave{} },
		"speculative": func(r *Request) { r.Strategy.Speculative = &Speculative{} }, "carried": func(r *Request) { r.Strategy.ContinuousCompute = true },
	} {
		r := simple
		if change(&r); r.Simple() {
			t.Errorf("%s is simple", name)
		}
	}
}
