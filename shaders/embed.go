package shaders

import "muninn/vk"

// Embed records y[n] = wte[token of row n] * scale. wte (vocabulary, d), y (n, d).
func (r *Recorder) Embed(y Tensor, wte Matrix, rows Rows, scale float32) {
	r.check(wte.Cols == y.Cols && rows.N == y.Rows, "embed of %d rows from %dx%d into %dx%d", rows.N, wte.Rows, wte.Cols, y.Rows, y.Cols)
	for _, s := range wte.Shards {
		push := struct {
			Row0, Count, Units, Scales, Stride uint32
			Scale                              float32
		}{uint32(s.Row0), uint32(s.Rows), wte.units(), uint32(s.Span.Size() / 4), uint32(y.Stride / 4), scale * wte.stored(s)}
		r.dispatch("embed_"+string(wte.Format), push, rowsY(groups(y.Stride/4, 64), rows.N, 1),
			vk.Cost{Bytes: 2 * y.bytes()}, s.Bind, rows.Span, y.Span)
	}
}
