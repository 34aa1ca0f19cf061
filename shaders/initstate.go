package shaders

import "muninn/vk"

// InitState records the initial state of each row into its cell, from where its Start says: row n of given (n, d), a row
// of carry (.., d), a row of state, or drawn: values of a normal distribution cut at 3 standard deviations, times the row's
// Scale, from a counter-based generator keyed by the row's key and position. Mix puts a share of another draw into it.
// state (cells, d); older (.., d) keeps what it was before that, for later steps to look back to; a zero Tensor: no need.
// cellsFirst: rows that start from a cell do so before anything is mixed into that.
func (r *Recorder) InitState(state, older, given, carry Tensor, rows Rows, cellsFirst bool) {
	keep := !older.Span.IsZero()
	r.check(given.Rows == rows.N && (!keep || older.Rows >= state.Rows && older.Cols == state.Cols) && given.Cols == state.Cols && carry.Cols == state.Cols,
		"initial state of %d rows into %d", rows.N, state.Rows)
	if !keep {
		older = given // bound, never written
	}
	parts := []uint32{0}
	if cellsFirst {
		parts = []uint32{1, 2}
	}
	for _, only := range parts {
		push := struct{ D, Stride, Keep, Only uint32 }{uint32(state.Cols), uint32(state.Stride), flag(keep), only}
		r.dispatch("initstate", push, rowsY(groups(state.Cols, 4*64), rows.N, 1), vk.Cost{Bytes: 3 * given.bytes()},
			rows.Span, given.Span, carry.Span, state.Span, older.Span)
	}
}
