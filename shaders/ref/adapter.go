package ref

import (
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
	"muninn/vk"
)

// Adapter is y[n][j] = sum over concat(state, embeds)[n] times row rows[j] of w (.., 2d), plus bias[rows[j]] (nil: none).
// state, embeds (n, d).
func Adapter(w RowFunc, state, embeds, bias []float32, d int, rows []int) []float64 {
	n := len(state) / d
	y := make([]float64, n*len(rows))
	row := make([]float32, 2*d)
	for j, i := range rows {
		w(i, row)
		for t := range n {
			sum := plain.Dot(row[:d], state[t*d:][:d]) + plain.Dot(row[d:], embeds[t*d:][:d])
			if bias != nil {
				sum += float64(bias[i])
			}
			y[t*len(rows)+j] = sum
		}
	}
	return y
}

func adapterCases() []Case {
	sizes := matmulSizes(1)
	sizes = append(sizes,
		matmulSize{n: 3, rows: 10, k: 10, format: format.BF16}, // halves that have padding of their own
		matmulSize{n: 20, rows: 9, k: 9, format: format.F16, family: heavy},
		matmulSize{n: 1, rows: 5280, k: 5280, format: format.BF16, large: true})
	var list []Case
	for i, s := range sizes {
		bias := i%5 != 4
		name := s.String()
		if bias {
			name += " bias"
		}
		list = append(list, Case{Op: "adapter", Name: name, Limit: 1e-9, Why: matmulWhy, Large: s.large, run: func(t *trial) { adapterTrial(t, s, bias) }})
	}
	return list
}

// adapterTrial takes k as d: the matrix has twice as many columns. The rows' states and embeds lie in cells, in another order.
func adapterTrial(t *trial, s matmulSize, hasBias bool) {
	d, half := s.k, shaders.Padded(s.k)
	left := source{seed("adapter w", s.String()), s.family, s.format, d}
	right := source{seed("adapter w embeds", s.String()), s.family, s.format, d}
	state := source{seed("adapter state", s.String()), s.family, format.F32, d}.all(s.n)
	embeds := source{seed("adapter embeds", s.String()), s.family, format.F32, d}.all(s.n)
	in := newCellTable(s.n, s.String())
	none := filler(in.cells * d)
	inputs := t.input("state and embeds", append(in.scatter(none, state, d), in.scatter(none, embeds, d)...), 2*in.cells, d)
	table, _ := t.rows(in.table, false)
	w := t.matrix("w", s.rows, 2*half, s.format, s.limit(2*half), func(i int, dst []float32) {
		clear(dst)
		left.row(i, dst[:d])
		right.row(i, dst[half:][:d])
	})
	var bias []float32
	var span vk.Span // zero: no bias
	if hasBias {
		bias = source{seed("adapter bias", s.String()), uniform, format.F32, s.rows}.all(1)
		span = t.floats("bias", bias)
	}
	y := t.output("y", s.n, s.rows)
	rows := s.sample()
	var both []float32 // state and embeds side by side
	for n := range s.n {
		both = append(append(both, state[n*d:][:d]...), embeds[n*d:][:d]...)
	}
	halves := func(i int, dst []float32) {
		left.row(i, dst[:d])
		right.row(i, dst[d:])
	}
	want := reference{Adapter(halves, state, embeds, bias, d, rows), sizes(halves, both, 2*d, rows)}
	t.check(func(r *shaders.Recorder) { r.Adapter(y.Tensor, w, inputs.Tensor, span, table) },
		func(v *verdict) { v.sampled(y, rows, want) })
}
