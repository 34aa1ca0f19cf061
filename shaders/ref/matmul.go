package ref

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// matmul is y[n][j] = sum_k w[rows[j]][k] x[n][k]: the listed rows of w (.., k) times each row of x (n, k). Its sizes are what sums
// of terms of such sizes and random signs come to.
func matmul(w rowFunc, x []float32, k int, rows []int) reference {
	count := len(x) / k * len(rows)
	y := reference{make([]float64, count), make([]float64, count)}
	row := make([]float32, k)
	for j, i := range rows {
		w(i, row)
		for n := range len(x) / k {
			at, x := n*len(rows)+j, x[n*k:][:k]
			y.value[at], y.size[at] = plain.Dot(row, x), size(row, x)
		}
	}
	return y
}

func size(w, x []float32) float64 {
	var sum float64
	for k, v := range w {
		t := float64(v) * float64(x[k])
		sum += t * t
	}
	return math.Sqrt(sum)
}

func matmulCases() []Case {
	c, int8 := Case{Op: "matmul", Limit: matmulLimit, Why: matmulWhy}, Case{Op: "matmul", Limit: matmulLimit, Why: int8Why}
	// The real sizes: head and the down projection of Huginn.
	sizes := append(matmulSizes(0),
		matmulSize{n: 64, rows: 65, k: 5280, format: format.BF16, family: heavy},
		matmulSize{n: 5, rows: 33, k: 17920, format: format.F16, family: halfMax})
	large := []matmulSize{
		{n: 1, rows: 65536, k: 5280, format: format.BF16},
		{n: 2, rows: 5280, k: 17920, format: format.F16, family: heavy}}
	var alone []aloneSize
	for _, f := range format.Types() {
		if alone = append(alone, aloneSize{format: f}); f.Blocked() {
			alone = append(alone, aloneSize{format: f, int8: true})
		}
		if f != format.F32 {
			alone = append(alone, aloneSize{format: f, halves: true})
		}
	}
	return slices.Concat(each(c, sizes, matmulTrial), each(c.large(), large, matmulTrial), each(int8, int8Sizes(5, false), matmulTrial),
		each(Case{Op: "matmul", Why: "a row's sum is taken in one order, whatever is computed beside it"}, alone, aloneTrial))
}

func matmulTrial(t *trial, s matmulSize) {
	x, y := t.factor(s), t.output("y", s.n, s.rows)
	w, weights := t.weights("w", s)
	rows := t.sample(s.rows)
	t.leaveTiles(s)
	t.check(func(r *shaders.Recorder) { r.MatMul(y.Tensor, w, x.Tensor) }, t.products(y, rows, x.x, s.k, func(x []float32, as func(rowFunc) rowFunc) reference {
		return matmul(as(weights), x, s.k, rows)
	}))
}

type aloneSize struct {
	format format.Type
	int8   bool
	halves bool // on matrix units
}

func (s aloneSize) String() string {
	if s.halves {
		return s.format.String() + " row among few equals row among many on matrix units"
	}
	return named(s.int8, s.format.String()+" row alone equals row among others")
}

// aloneTrial computes as many rows together as go as vectors, and again in groups of every size from 1 on; k and rows are such that a row of
// x, its int8 activations too, and y begins at a multiple of 256 bytes, where it can be bound.
func aloneTrial(t *trial, a aloneSize) {
	s := matmulSize{n: t.vecRows, rows: 64, k: 1024, format: a.format, int8: a.int8}
	var groups []int
	for m := range s.n {
		groups = append(groups, m+1)
	}
	t.vectorsOnly = true // only these promise it, and matrix units
	if a.halves {
		s.n, groups, t.vectorsOnly = 70, []int{2, 17, 40, 70}, false // a tile of each height
		t.halves(s.n, s.k)
	}
	x := t.factor(s)
	if a.halves {
		t.needs = func(k *shaders.Kernels) bool { return k.MatrixUnits }
	}
	w, _ := t.weights("w", s)
	var ys []tensor
	for _, m := range groups {
		ys = append(ys, t.output(fmt.Sprintf("y in groups of %d", m), s.n, s.rows))
	}
	t.check(func(r *shaders.Recorder) {
		for g, m := range groups {
			for i := 0; i < s.n && t.err == nil; i += m {
				c := min(m, s.n-i)
				r.MatMul(ys[g].From(i, c), w, x.From(i, c))
			}
		}
	}, func(v *verdict) {
		together := floatsOf(ys[len(ys)-1].values())
		for j, y := range ys {
			for i, g := range floatsOf(y.values()) {
				if math.Float32bits(g) != math.Float32bits(together[i]) {
					v.fail("row %d column %d is %g in groups of %d, %g in one of %d", i/s.rows, i%s.rows, g, groups[j], together[i], s.n)
					break
				}
			}
		}
		v.tensor(ys[0], reference{value: plain.Widen(together)}) // no NaN left
	})
}
