package ref

import (
	"fmt"
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// MatMul is y[n][j] = sum_k w[rows[j]][k] x[n][k]: the listed rows of w (.., k) times each row of x (n, k).
func MatMul(w RowFunc, x []float32, k int, rows []int) []float64 {
	y := make([]float64, len(x)/k*len(rows))
	row := make([]float32, k)
	for j, i := range rows {
		w(i, row)
		for n := range len(x) / k {
			y[n*len(rows)+j] = plain.Dot(row, x[n*k:][:k])
		}
	}
	return y
}

func matmulCases() []Case {
	sizes := matmulSizes(0)
	// The real sizes: head and the down projection of Huginn.
	sizes = append(sizes,
		matmulSize{n: 64, rows: 65, k: 5280, format: format.BF16, family: heavy},
		matmulSize{n: 5, rows: 33, k: 17920, format: format.F16, family: halfMax},
		matmulSize{n: 1, rows: 65536, k: 5280, format: format.BF16, large: true},
		matmulSize{n: 2, rows: 5280, k: 17920, format: format.F16, family: heavy, large: true})
	var list []Case
	for _, s := range sizes {
		list = append(list, Case{Op: "matmul", Name: s.String(), Limit: 1e-9, Why: matmulWhy, Large: s.large, run: func(t *trial) { matmulTrial(t, s) }})
	}
	list = append(list, int8Cases("matmul", 5, matmulTrial)...)
	for _, f := range format.Types() {
		list = append(list, Case{Op: "matmul", Name: f.String() + " row alone equals row among others",
			Why: "a row's sum is taken in one order, whatever is computed beside it", run: func(t *trial) { aloneTrial(t, f, false) }})
		if f.Blocked() {
			list = append(list, Case{Op: "matmul", Name: "int8 " + f.String() + " row alone equals row among others",
				Why: "a row's sum is taken in one order, whatever is computed beside it", run: func(t *trial) { aloneTrial(t, f, true) }})
		}
	}
	return list
}

func matmulTrial(t *trial, s matmulSize) {
	weights := source{seed("matmul w", s.String()), s.family, s.format, s.k}
	values := source{seed("matmul x", s.String()), s.family, format.F32, s.k}.all(s.n)
	x := t.input("x", values, s.n, s.k)
	if t.needs != nil {
		values = t.int8Input(&x, values)
	}
	w := t.matrix("w", s.rows, s.k, s.format, s.limit(s.k), weights.row)
	y := t.output("y", s.n, s.rows)
	rows := s.sample()
	want := reference{MatMul(weights.row, values, s.k, rows), sizes(weights.row, values, s.k, rows)}
	t.vectorsOnly = s.large // the other shapes take a minute on a software driver
	t.check(func(r *shaders.Recorder) { r.MatMul(y.Tensor, w, x.Tensor) },
		func(v *verdict) { v.sampled(y, rows, want) })
}

// aloneTrial computes as many rows together as go as vectors, and again in groups of every size from 1 on; k and rows are such that a row of
// x, its int8 activations too, and y begins at a multiple of 256 bytes, where it can be bound.
func aloneTrial(t *trial, f format.Type, int8 bool) {
	const rows, k = 64, 1024
	n := t.vecRows
	weights := source{seed("alone w", f.String()), uniform, f, k}
	values := source{seed("alone x", f.String()), uniform, format.F32, k}.all(n)
	x := t.input("x", values, n, k)
	if int8 {
		t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(f, n) }
		t.int8Input(&x, values)
	}
	w := t.matrix("w", rows, k, f, 0, weights.row)
	var ys []tensor
	for m := 1; m <= n; m++ {
		ys = append(ys, t.output(fmt.Sprintf("y in groups of %d", m), n, rows))
	}
	t.vectorsOnly = true // only these promise it
	t.check(func(r *shaders.Recorder) {
		for m := 1; m <= n && t.err == nil; m++ {
			for i := 0; i < n; i += m {
				c := min(m, n-i)
				r.MatMul(ys[m-1].From(i, c), w, x.From(i, c))
			}
		}
	}, func(v *verdict) {
		together := floatsOf(ys[n-1].values())
		for m, y := range ys {
			for i, g := range floatsOf(y.values()) {
				if math.Float32bits(g) != math.Float32bits(together[i]) {
					v.fail("row %d column %d is %g in groups of %d, %g in one of %d", i/rows, i%rows, g, m+1, together[i], n)
					break
				}
			}
		}
		v.tensor(ys[0], untouchedPadding, plain.Widen(together)) // no NaN left
	})
}
