package shaders

import "muninn/vk"

// Compare records what came of each row's state since it was last compared, and keeps the state for the next time: change
// (n) Change from state (slots, d) and kept (2 slots, d), the states at the last comparison and behind them those at the one
// before.
func (r *Recorder) Compare(change vk.Span, state, kept Tensor, rows Rows) {
	if !r.check(kept.Cols == state.Cols && kept.Rows == 2*state.Rows && change.Size() >= uint64(rows.N)*ChangeBytes,
		"compare of %dx%d with %dx%d for %d rows", state.Rows, state.Cols, kept.Rows, kept.Cols, rows.N) {
		return
	}
	push := struct{ D, Stride, Oldest uint32 }{uint32(state.Cols), uint32(state.Stride), uint32(state.Rows * state.Stride)}
	n := uint64(rows.N) * uint64(state.Cols)
	r.dispatch("compare"+r.k.suffix(), push, rowsX(rows.N), vk.Cost{Bytes: 20 * n, FLOPs: 12 * n}, state.Span, kept.Span, rows.Span, change)
}
