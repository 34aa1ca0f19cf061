package reference

import (
	"math"
	"math/rand/v2"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
)

// tinyReference is a model of random weights, small enough for hundreds of runs: width 16, two heads, 40 tokens, blocks 1/2/1.
func tinyReference(t *testing.T, seed uint64) *Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	const d, inner, vocabulary = 16, 24, 40
	matrix := func(rows, cols int, gain float64) refMatrix {
		m := refMatrix{rows: rows, cols: cols, w: make([]float32, rows*cols)}
		for i := range m.w {
			m.w[i] = float32(rng.NormFloat64() * gain / math.Sqrt(float64(cols)))
		}
		return m
	}
	ones := func() []float32 {
		w := make([]float32, d)
		for i := range w {
			w[i] = float32(1 + 0.1*rng.NormFloat64())
		}
		return w
	}
	blocks := func(n int) (list []refBlock) {
		for range n {
			list = append(list, refBlock{norm1: ones(), norm2: ones(), norm3: ones(), norm4: ones(),
				wqkv: matrix(3*d, d, 1), attnProj: matrix(d, d, 0.5), fc: matrix(2*inner, d, 1), mlpProj: matrix(d, inner, 0.7)})
		}
		return list
	}
	wte := matrix(vocabulary, d, 1)
	adapter := matrix(d, 2*d, 1)
	for i := range d { // settles, faster or slower with the model
		for j := range d {
			adapter.w[i*2*d+j] *= float32(0.2 + 0.6*float64(seed%5)/4)
		}
	}
	return &Model{
		Config: arch.Config{NEmbd: d, NHeads: 2, HeadDim: d / 2, NLayersInPrelude: 1, NLayersInRecurrentBlock: 2, NLayersInCoda: 1,
			IntermediateSize: inner, VocabSize: vocabulary, PaddedVocabSize: vocabulary, BlockSize: 64, MeanRecurrence: 8, NormEps: 1e-6, RopeBase: 50000},
		wte: wte, lmHead: matrix(vocabulary, d, 2), prelude: blocks(1), adapter: adapter, core: blocks(2), coda: blocks(1), lnF: ones(),
	}
}

func tinyPrompt(rng *rand.Rand) []int32 {
	prompt := make([]int32, 1+rng.IntN(9))
	for i := range prompt {
		prompt[i] = int32(rng.IntN(40))
	}
	return prompt
}

func tinySession(t *testing.T, r *Model, lookup string) *Session {
	t.Helper()
	l, err := decode.ParseLookup(lookup, r.Config.NLayersInRecurrentBlock)
	if err != nil {
		t.Fatal(err)
	}
	return refSession(t, r, Options{Lookup: l})
}

// sampleAll runs a request and gives the choices handed out.
func sampleAll(t *testing.T, e decode.Engine, req decode.Request) ([]decode.Choice, decode.Outcome) {
	t.Helper()
	var all []decode.Choice
	out, err := decode.Decode(e, 0, req, func(c decode.Choice) (bool, error) { all = append(all, c); return false, nil })
	if err != nil {
		t.Fatal(err)
	}
	if out.Emitted != len(all) || out.Finish == "" {
		t.Fatalf("finish %q after %d tokens, %d handed out", out.Finish, out.Emitted, len(all))
	}
	if want := len(req.Prompt) + len(all) - 1; e.Pos(0) != want && (out.Wave == nil || e.Pos(0) > want) {
		t.Fatalf("the sequence is left with %d tokens, want all but the last: %d", e.Pos(0), want)
	}
	return all, out
}

func tokensOf(choices []decode.Choice) []int32 {
	var tokens []int32
	for _, c := range choices {
		tokens = append(tokens, c.Token)
	}
	return tokens
}
