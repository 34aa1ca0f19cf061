package shaders

import "muninn/vk"

// InitState records the initial state of each row, from where its Start says: row n of given (n, d), a row of carry
// (.., d), or drawn: values of a normal distribution cut at 3 standard deviations, times the row's Scale, from a
// counter-based generator keyed by the row's key and position. state (n, d).
func (r *Recorder) InitState(state, given, carry Tensor, rows Rows) {
	if !r.check(rows.N == state.Rows && given.Rows == rows.N && given.Cols == state.Cols && carry.Cols == state.Cols, "initial state of %d rows into %d", rows.N, state.Rows) {
		return
	}
	push := struct{ D, Stride uint32 }{uint32(state.Cols), uint32(state.Stride)}
	r.dispatch("initstate", push, [3]uint32{groups(state.Cols, 4*64), uint32(rows.N), 1}, vk.Cost{Bytes: state.bytes()}, rows.Span, given.Span, carry.Span, state.Span)
}
