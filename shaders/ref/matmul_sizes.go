package ref

import (
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// matmulSize is one case of a matmul: rows x k weights times n rows of k.
type matmulSize struct {
	n, rows, k int
	format     format.Type
	family     family
	shards     int  // forced number of shards; 0: the device's
	int8       bool // int8 activations are read or written
	writes     bool // those of a swiglu are written too
	bias       bool // of an adapter
}

func (s matmulSize) String() string {
	name := named(s.int8, fmt.Sprintf("%s n=%d rows=%d k=%d %s", s.format, s.n, s.rows, s.k, s.family))
	if s.shards > 0 {
		name += fmt.Sprintf(" %d shards", s.shards)
	}
	if s.bias {
		name += " bias"
	}
	if s.writes {
		name += " into int8"
	}
	return name
}

// limit is the shard limit in bytes that gives so many shards of rows of the given number of columns.
func (s matmulSize) limit(cols int, c vk.Caps) uint64 {
	if s.shards == 0 {
		return c.ShardLimit()
	}
	return uint64((s.rows+s.shards-1)/s.shards) * shaders.MatrixBytes(1, cols, s.format)
}

// factor is what weights are multiplied by. With int8 activations its values are those that they stand for.
func (t *trial) factor(s matmulSize) tensor {
	x := t.drawn("x", s.family, s.n, s.k)
	if s.int8 {
		t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(s.format, s.n) }
		t.quantize(&x)
	}
	return x
}

// leaveTiles has a case go without tiles where they would take a software driver a minute; one without unrolled loops takes seconds for rows so
// long, and is spared those too.
func (t *trial) leaveTiles(s matmulSize) {
	long := s.k > 1<<10 && !shaders.Unrolls(t.dev.Caps())
	if t.vectorsOnly = t.c.Large || long && s.n > 1; long && s.n > mostVecRows {
		t.needs = func(*shaders.Kernels) bool { return false }
	}
}

// sample lists the rows of weights that the oracle computes: all, or of a large matrix those at its ends and some between.
func (t *trial) sample(rows int) []int {
	var list []int
	step := 1
	if t.c.Large {
		step = rows/61 + 1
	}
	for i := 0; i < rows-1; i += step {
		list = append(list, i)
	}
	return append(list, rows-1)
}

const (
	matmulLimit = 1e-9
	matmulWhy   = "float32 sums in another order than the oracle's; 1e-11 is what they come to at k = 17920"
	int8Why     = "whole numbers within a block, float32 across blocks"
)

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
			if n == 16 && salt%5 > 0 && (salt+salted)%5 > 1 {
				n = 7 // kernels for 16 take some drivers longest to compile: all formats in matmul, two elsewhere
			}
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
	seen := map[matmulSize]bool{}
	return slices.DeleteFunc(list, func(s matmulSize) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

// int8Sizes are those that int8 activations go with.
func int8Sizes(salt int, writes bool) []matmulSize {
	list := slices.DeleteFunc(matmulSizes(salt), func(s matmulSize) bool { return !s.format.Blocked() || s.n > 65 })
	for i := range list {
		list[i].int8, list[i].writes = true, writes
	}
	return list
}

// sampled compares the listed columns of an output, all of them or some.
func sampled(y tensor, columns []int, want reference) func(*verdict) {
	return func(v *verdict) {
		if len(columns) == y.Cols {
			v.tensor(y, want)
			return
		}
		all := floatsOf(y.values())
		var got []float32
		for r := range y.Rows {
			for _, c := range columns {
				got = append(got, all[r*y.Stride+c])
			}
		}
		v.values(y.name, got, want, len(columns))
	}
}
