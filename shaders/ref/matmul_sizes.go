package ref

import (
	"fmt"
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
)

// RowFunc writes row i of a matrix.
type RowFunc func(i int, dst []float32)

// size is what a sum of terms of such sizes and random signs comes to.
func size(w, x []float32) float64 {
	var sum float64
	for k, v := range w {
		t := float64(v) * float64(x[k])
		sum += t * t
	}
	return math.Sqrt(sum)
}

// sizes are those of the sums of MatMul.
func sizes(w RowFunc, x []float32, k int, rows []int) []float64 {
	y := make([]float64, len(x)/k*len(rows))
	row := make([]float32, k)
	for j, i := range rows {
		w(i, row)
		for n := range len(x) / k {
			y[n*len(rows)+j] = size(row, x[n*k:][:k])
		}
	}
	return y
}

// matmulSize is one case of a matmul: rows x k weights times n rows of k.
type matmulSize struct {
	n, rows, k int
	format     format.Type
	family     family
	shards     int // forced number of shards; 0: the device's
	large      bool
}

func (s matmulSize) String() string {
	name := fmt.Sprintf("%s n=%d rows=%d k=%d %s", s.format, s.n, s.rows, s.k, s.family)
	if s.large {
		name = "large " + name
	}
	if s.shards > 0 {
		name += fmt.Sprintf(" %d shards", s.shards)
	}
	return name
}

// limit is the shard limit in bytes that gives so many shards of rows of the given number of columns.
func (s matmulSize) limit(cols int) uint64 {
	if s.shards == 0 {
		return 0
	}
	return uint64((s.rows+s.shards-1)/s.shards) * shaders.MatrixBytes(1, cols, s.format)
}

// sample lists the rows of weights that the oracle computes: all, or of a large matrix those at its ends and some between.
func (s matmulSize) sample() []int {
	var list []int
	step := 1
	if s.large {
		step = s.rows/61 + 1
	}
	for i := 0; i < s.rows-1; i += step {
		list = append(list, i)
	}
	return append(list, s.rows-1)
}

const matmulWhy = "float32 sums in another order than the oracle's; 1e-11 is what they come to at k = 17920"

// matmulSizes are the sizes around every edge: rows of x around the vectors (8, 16) and the tiles (16, 32, 64),
// rows of weights around 4, 16, 32 and 64, and the lengths that models have. salt sets what is paired with what.
func matmulSizes(salt int) []matmulSize {
	ns := []int{1, 2, 3, 5, 8, 16, 17, 32, 33, 65, 512}
	rows := []int{1, 3, 4, 5, 15, 17, 31, 32, 33, 63, 64, 65}
	ks := []int{8, 24, 72, 120, 328, 5280, 17920}
	const work = 1 << 20 // multiplications a case, for the oracle's sake
	var list []matmulSize
	add := func(n, r, k int, f format.Type) {
		i := len(list) + salt
		for j := len(ks) - 1; n*r*k > work && j >= 0; j-- {
			k = min(k, ks[j])
		}
		s := matmulSize{n: n, rows: r, k: k, format: f, family: family(i % families)}
		if i%3 == 0 && r >= 3 {
			s.shards = 3
		}
		list = append(list, s)
	}
	for salted, f := range format.Types() {
		at := salt + salted*3
		for i, n := range ns {
			add(n, rows[(i+at)%len(rows)], ks[(i+at)%len(ks)], f)
		}
		for i, r := range rows {
			add(ns[1+(i+at)%5], r, ks[(i+at+2)%len(ks)], f)
		}
		for i, k := range ks {
			add(ns[(3*i+at)%4], 5, k, f)
		}
		if f.MostLift() > 0 {
			list = append(list, matmulSize{n: 1, rows: 67, k: 1056, format: f, family: small}, matmulSize{n: 20, rows: 67, k: 72, format: f, family: small, shards: 3})
		}
	}
	return unique(list)
}

func unique(list []matmulSize) []matmulSize {
	seen := map[string]bool{}
	var kept []matmulSize
	for _, s := range list {
		if !seen[s.String()] {
			seen[s.String()] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// sampled compares the listed columns of an output, all of them or some.
func (v *verdict) sampled(y tensor, columns []int, want reference) {
	if len(columns) == y.Cols {
		v.against(y, untouchedPadding, want)
		return
	}
	all := floatsOf(y.values())
	var got []float32
	for r := range y.Rows {
		for _, c := range columns {
			got = append(got, all[r*y.Stride+c])
		}
	}
	v.add(y.name, compare(got, want, len(columns), v.limit))
}
