package ref

import (
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
)

// adapter is the listed rows of w (.., 2d) times each row of inputs (n, 2d), state and embeds side by side, plus their bias; nil: none.
func adapter(w rowFunc, inputs, bias []float32, d int, rows []int) reference {
	y := matmul(w, inputs, 2*d, rows)
	for i := range y.value {
		if bias != nil {
			y.value[i] += float64(bias[rows[i%len(rows)]])
		}
	}
	return y
}

func adapterCases() []Case {
	sizes := append(matmulSizes(1),
		matmulSize{n: 3, rows: 10, k: 10, format: format.BF16}, // halves that have padding of their own
		matmulSize{n: 20, rows: 9, k: 9, format: format.F16, family: heavy})
	for i := range sizes {
		sizes[i].bias = i%5 != 4
	}
	c := Case{Op: "adapter", Limit: matmulLimit, Why: matmulWhy}
	large := []matmulSize{{n: 1, rows: 5280, k: 5280, format: format.BF16, bias: true}}
	return slices.Concat(each(c, sizes, adapterTrial), each(c.large(), large, adapterTrial))
}

// adapterTrial takes k as d: the matrix has twice as many columns. The rows' states and embeds lie in cells, in another order.
func adapterTrial(t *trial, s matmulSize) {
	d, half := s.k, shaders.Padded(s.k)
	in := t.cellTable(s.n)
	table, _ := t.rows(in.table, false)
	state, embeds, none := t.values("state", s.family, s.n, d), t.values("embeds", s.family, s.n, d), filler(in.cells*d)
	inputs := t.input("state and embeds", append(scattered(none, state, in.table, d), scattered(none, embeds, in.table, d)...), d)
	left, right := t.source("w", s.family, s.format, d), t.source("w embeds", s.family, s.format, d)
	weights := func(half int) rowFunc { // the second half of a row begins there
		return func(i int, dst []float32) {
			clear(dst)
			left.row(i, dst[:d])
			right.row(i, dst[half:][:d])
		}
	}
	w, y := t.matrix("w", s, 2*half, weights(half)), t.output("y", s.n, s.rows)
	var bias, both []float32
	if s.bias {
		bias = t.values("bias", uniform, 1, s.rows)
	}
	span := t.floats("bias", bias)
	for n := range s.n {
		both = append(append(both, state[n*d:][:d]...), embeds[n*d:][:d]...)
	}
	rows := t.sample(s.rows)
	t.leaveTiles(s)
	t.check(func(r *shaders.Recorder) { r.Adapter(y.Tensor, w, inputs.Tensor, span, table) }, t.products(y, rows, both, 2*d, func(x []float32, as func(rowFunc) rowFunc) reference {
		return adapter(as(weights(d)), x, bias, d, rows)
	}))
}
