package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
)

// embed is y[n] = scale wte[tokens[n]]; wte (.., d).
func embed(wte rowFunc, tokens []uint32, d int, scale float32) []float64 {
	var y []float64
	row := make([]float32, d)
	for _, t := range tokens {
		wte(int(t), row)
		for _, v := range row {
			y = append(y, float64(v)*float64(scale))
		}
	}
	return y
}

type embedSize struct{ matmulSize }

func (s embedSize) String() string {
	return fmt.Sprintf("%s vocab=%d d=%d %s %d shards", s.format, s.rows, s.k, s.family, s.shards)
}

func embedCases() []Case {
	var sizes []embedSize
	for i, d := range []int{1, 8, 10, 24, 120, 328, 5280} {
		for k, f := range format.Types() {
			s := embedSize{matmulSize{rows: 61, k: d, format: f, family: family((i + k) % families), shards: 1 + i%3}}
			if d == 328 && f.MostLift() > 0 {
				s.family = small
			}
			sizes = append(sizes, s)
		}
	}
	return each(Case{Op: "embed", Limit: 1e-13, Why: "one float32 multiplication"}, sizes, embedTrial)
}

func embedTrial(t *trial, s embedSize) {
	const scale = 72.66361 // sqrt(5280)
	// Tokens at the ends of the vocabulary and of each shard, one of them twice.
	tokens := []uint32{0, 60, 20, 21, 30, 31, 40, 41, 42, 7, 7}
	var table []shaders.Row
	for _, token := range tokens {
		table = append(table, shaders.Row{Token: token, Pos: 3, Step: 5})
	}
	rows, _ := t.rows(table, false)
	wte, weights := t.weights("wte", s.matmulSize)
	y := t.output("y", len(tokens), s.k)
	y.padded = true
	t.check(func(r *shaders.Recorder) { r.Embed(y.Tensor, wte, rows, scale) }, becomes(y, embed(weights, tokens, s.k, scale)))
}
