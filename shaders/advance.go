package shaders

import "muninn/vk"

// ChangeBytes is the size of a plain.Change on the device: its sums in float32.
const ChangeBytes = 20

// Advance records the end of a core step: state[cell] = rms(a + x) * weight, the last core block's norm after its residual,
// and every row has done one more step. Where a row's group is due for a check, g.Change gets what came of its state, and
// older keeps it. a, x (n, d); state (cells, d); older (2 cells, d), the states at the last check and behind them those at the
// one before, or less where no rule looks back; weight (d) float32.
func (r *Recorder) Advance(state, older, x, a Tensor, weight vk.Span, eps float32, rows Rows, g Groups) {
	if older.Rows < 2*state.Rows {
		older = state // bound, never read or written: no group has a rule that looks back
	}
	r.check(x.Cols == a.Cols && x.Rows == a.Rows && state.Cols == x.Cols && older.Cols == x.Cols && rows.N == x.Rows,
		"advance of %dx%d and %dx%d into %dx%d, %d rows", a.Rows, a.Cols, x.Rows, x.Cols, state.Rows, state.Cols, rows.N)
	push := struct {
		D, Stride uint32
		Eps       float32
		Oldest    uint32
	}{uint32(x.Cols), uint32(x.Stride), eps, uint32(state.Rows * state.Stride)}
	r.norm("advance", x.Cols, push, rowsX(x.Rows).kept(), vk.Cost{Bytes: 9 * x.bytes(), FLOPs: 18 * x.bytes() / 4},
		a.Span, x.Span, weight, state.Span, rows.Span, older.Span, g.Change, g.Rules, g.Progress)
}
