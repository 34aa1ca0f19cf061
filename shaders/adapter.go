package shaders

import "muninn/vk"

// Adapter records y = w concat(state, embeds) + bias. w (d, 2 Padded(d)): the columns of either half are padded on
// their own, first those for the state. inputs (2 cells, d) holds the states in its first half and the embeds in the other; the
// rows' cells say which count. y (n, d); bias (d) float32, or a zero Span for none.
func (r *Recorder) Adapter(y Tensor, w Matrix, inputs Tensor, bias vk.Span, rows Rows) {
	r.check(w.Cols == 2*inputs.Stride && w.Rows == y.Cols && inputs.Rows%2 == 0 && rows.N == y.Rows,
		"adapter of %dx%d over %dx%d into %dx%d for %d rows", w.Rows, w.Cols, inputs.Rows, inputs.Cols, y.Rows, y.Cols, rows.N)
	states := inputs
	states.Rows = y.Rows
	p := matmulPush{YStride: uint32(y.Stride), Embeds: uint32(inputs.Rows / 2 * inputs.Stride / 4), Bias: 1}
	if bias.IsZero() {
		p.Bias, bias = 0, inputs.Span // bound, never read
	}
	x := inputs.Span
	if states.halves = r.halves(w, y.Rows, w.Cols); !states.halves.IsZero() {
		x = states.halves
		push := halvesPush{uint32(inputs.Stride / 4), uint32(w.Cols / 4), p.Embeds}
		r.toHalves("halves_cells_wg", push, rows.N, w.Cols, inputs.Span, x, rows.Span)
	}
	for _, s := range w.Shards {
		c := matmulCost(w, s.Rows, Tensor{Rows: 2 * y.Rows, Cols: inputs.Cols}, y)
		c.FLOPs /= 2
		r.matmul("adapter", w, s, 1, states, p, c, s.Bind, x, bias, y.Span, rows.Span)
	}
}
