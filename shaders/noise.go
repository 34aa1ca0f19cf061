package shaders

import "muninn/vk"

// Noise records the mixing of noise into the rows' states before a core step: state = rms((1 - share) state + share noise) *
// weight, the share being the row's Noise as its Draw's type has it fall with the steps. state (cells, d); weight (d) float32;
// mean is mean_recurrence.
func (r *Recorder) Noise(state Tensor, weight vk.Span, eps float32, mean int, rows Rows) {
	push := struct {
		D, Stride uint32
		Eps, Mean float32
	}{uint32(state.Cols), uint32(state.Stride), eps, float32(mean)}
	n := uint64(rows.N) * uint64(state.Cols)
	r.norm("noise", state.Cols, nil, push, rowsX(rows.N).kept(), vk.Cost{Bytes: 16 * n, FLOPs: 200 * n}, state.Span, weight, rows.Span)
}
