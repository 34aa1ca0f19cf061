package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
)

// Embed is y[n] = scale wte[tokens[n]]; wte (.., d).
func Embed(wte RowFunc, tokens []uint32, d int, scale float32) []float64 {
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

func embedCases() []Case {
	var list []Case
	for i, d := range []int{1, 8, 10, 24, 120, 328, 5280} {
		for k, f := range format.Types() {
			s := matmulSize{rows: 61, k: d, format: f, family: family((i + k) % families), shards: 1 + i%3}
			if d == 328 && f.MostLift() > 0 {
				s.family = small
			}
			name := fmt.Sprintf("%s vocab=%d d=%d %s %d shards", f, s.rows, d, s.family, s.shards)
			list = append(list, Case{Op: "embed", Name: name, Limit: 1e-13, Why: "one float32 multiplication", run: func(t *trial) { embedTrial(t, s) }})
		}
	}
	return list
}

func embedTrial(t *trial, s matmulSize) {
	const scale = 72.66361 // sqrt(5280)
	weights := source{seed("embed", s.String()), s.family, s.format, s.k}
	// Tokens at the ends of the vocabulary and of each shard, one of them twice.
	tokens := []uint32{0, 60, 20, 21, 30, 31, 40, 41, 42, 7, 7}
	var table []shaders.Row
	for _, token := range tokens {
		table = append(table, shaders.Row{Token: token, Pos: 3, Step: 5})
	}
	rows, _ := t.rows(table, false)
	wte := t.matrix("wte", s.rows, s.k, s.format, s.limit(s.k), weights.row)
	y := t.output("y", len(tokens), s.k)
	want := Embed(weights.row, tokens, s.k, scale)
	t.check(func(r *shaders.Recorder) { r.Embed(y.Tensor, wte, rows, scale) },
		func(v *verdict) { v.tensor(y, zeroPadding, want) })
}
