package shaders

import "muninn/vk"

// ChangeBytes is the size of a plain.Change on the device: its sums in float32.
const ChangeBytes = 20

// Advance records the end of a run of core blocks: x takes in a by the form, as in AddNorm, and goes to state[cell]; given an end
// norm, rms(x) * end does. If it is the last run of the core step, every row has done one more step; where a row's group is due
// for a check of states, g.Change gets what came of its state, and older keeps it. Else steps and checks stay as they are. a, x (n, d);
// state (cells, d); older (2 cells, d), the states at the last check and behind them those at the one before, or less where no
// rule looks back; weight, end (d) float32.
func (r *Recorder) Advance(state, older, x, a Tensor, form Residual, weight, end vk.Span, eps float32, rows Rows, g Groups, last bool) {
	looks := older.Rows >= 2*state.Rows
	if !looks {
		older = state // bound, never read or written: no group has a rule that looks back
	}
	r.check(x.Cols == a.Cols && x.Rows == a.Rows && state.Cols == x.Cols && older.Cols == x.Cols && rows.N == x.Rows,
		"advance of %dx%d and %dx%d into %dx%d, %d rows", a.Rows, a.Cols, x.Rows, x.Cols, state.Rows, state.Cols, rows.N)
	push := struct {
		D, Stride uint32
		Eps       float32
		Oldest    uint32
		Form      Residual
		Ended     uint32
		Last      uint32
	}{uint32(x.Cols), uint32(x.Stride), eps, uint32(state.Rows * state.Stride), form, flag(!end.IsZero()), flag(last)}
	if weight = form.weight(weight, a.Span); end.IsZero() {
		end = weight // bound, never read
	}
	forms := []uint32{uint32(form), push.Ended, flag(looks)}
	moved := x.bytes() * uint64(4+push.Ended+4*flag(looks))
	r.norm("advance", x.Cols, forms, push, rowsX(x.Rows).kept(), vk.Cost{Bytes: moved, FLOPs: 18 * x.bytes() / 4},
		a.Span, x.Span, weight, state.Span, rows.Span, older.Span, g.Change, g.Rules, g.Progress, end)
}
