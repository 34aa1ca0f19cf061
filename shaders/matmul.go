package shaders

import "muninn/vk"

// MatMul records y[n][i] = sum_k w[i][k] x[n][k].
// w (rows, cols), x (n, cols), y (n, rows). If x has int8 activations, and w is in blocks, those are what is multiplied.
func (r *Recorder) MatMul(y Tensor, w Matrix, x Tensor) {
	r.checkMatMul(y, w, x)
	x = r.factor(w, x)
	for _, s := range w.Shards {
		p := matmulPush{YStride: uint32(y.Stride)}
		r.matmul("matmul", w, s, 1, x, p, matmulCost(w, s.Rows, x, y), s.Bind, x.factor(), y.Span)
	}
}

// MatMulNorm records y = w x, and then what AddNormPair does with it: the residual takes in y by the form, with its norm, and
// z = rms(residual) * next. For few rows the GEMV's last workgroup does it, which saves a dispatch; for more, and
// in any other shape, AddNormPair is recorded. The bits are the same. arrived is a word that is zero and that nothing
// else uses at the same time; it is zero again afterwards.
func (r *Recorder) MatMulNorm(z, residual, y Tensor, w Matrix, x Tensor, form Residual, weight, next vk.Span, eps float32, arrived vk.Span) {
	n := x.Rows
	int8 := !z.Int8.IsZero() && r.k.Subgroup != 0
	if n > r.k.NormRows || int8 && !w.Format.Blocked() {
		r.MatMul(y, w, x)
		r.AddNormPair(z, residual, y, form, weight, next, eps)
		return
	}
	r.checkMatMul(y, w, x)
	r.checkNorm(z, residual, y)
	x = r.factor(w, x)
	op, more := "matmul_norm", []vk.Span(nil)
	if int8 {
		op, more = "matmul_norm_quantize", []vk.Span{z.Int8}
	}
	total, rows := uint32(0), r.k.gemv(op, w, x).WeightRows
	for _, s := range w.Shards {
		total += groups(s.Rows, rows)
	}
	for i, s := range w.Shards {
		p := matmulPush{YStride: uint32(y.Stride), D: uint32(y.Cols), Eps: eps, Groups: total, Form: form}
		c := matmulCost(w, s.Rows, x, y)
		if i == len(w.Shards)-1 {
			c = c.Add(vk.Cost{Bytes: 7 * y.bytes(), FLOPs: 10 * y.bytes() / 4})
		}
		bind := append([]vk.Span{s.Bind, x.factor(), y.Span, arrived, residual.Span, form.weight(weight, next), next, z.Span}, more...)
		r.matmul(op, w, s, 1, x, p, c, bind...)
	}
}

func (r *Recorder) checkMatMul(y Tensor, w Matrix, x Tensor) {
	r.check(w.Cols == x.Cols && w.Rows == y.Cols && x.Rows == y.Rows, "matmul of %dx%d by %dx%d into %dx%d",
		w.Rows, w.Cols, x.Rows, x.Cols, y.Rows, y.Cols)
}
