package trace

import (
	"math"
	"math/rand/v2"
	"sync"
)

const (
	fitRows    = 2048 // states that components are computed from at most, spread evenly; all are projected
	oversample = 6    // directions iterated beyond those wanted, which makes the wanted ones converge faster
	fitRounds  = 30   // of iteration at most
	fitTol     = 1e-7 // relative change of the variances that ends it
	fitChunks  = 16   // parts of a sum over states; fixed, so that sums do not depend on the number of processors
)

// pca is a basis of principal components, the one of largest variance first.
type pca struct {
	mean []float64 // width
	dirs []float64 // (width, k), row-major; columns are orthonormal, or zero where there is no variance left
	k    int
}

// fitPCA finds k principal components of rows by subspace iteration from a random start with a fixed seed: Q <- orth(A^T A Q),
// A being the centred rows (Halko, Martinsson and Tropp, "Finding structure with randomness", 2011).
func fitPCA(rows [][]float32, width, k int) *pca {
	p := &pca{mean: meanOf(rows, width), dirs: make([]float64, width*k), k: k}
	if stride := (len(rows) + fitRows - 1) / fitRows; stride > 1 {
		some := make([][]float32, 0, fitRows)
		for i := 0; i < len(rows); i += stride {
			some = append(some, rows[i])
		}
		rows = some
	}
	wide := min(k+oversample, width)
	rng := rand.New(rand.NewPCG(1, 2))
	q := make([]float64, width*wide)
	for i := range q {
		q[i] = rng.NormFloat64()
	}
	orthonormalise(q, width, wide)
	var vectors []float64
	last := 0.0
	for round := range fitRounds {
		next, gram := iterate(rows, p.mean, q, wide)
		var values []float64
		values, vectors = eigen(gram, wide)
		var sum float64
		for _, v := range values[:min(k, wide)] {
			sum += v
		}
		if math.Abs(sum-last) <= fitTol*sum || sum != sum || round == fitRounds-1 {
			break // with the q that the vectors belong to
		}
		last = sum
		q = next
		orthonormalise(q, width, wide)
	}
	for i := range width {
		for j := range min(k, wide) {
			var x float64
			for l := range wide {
				x += q[i*wide+l] * vectors[l*wide+j]
			}
			p.dirs[i*k+j] = x
		}
	}
	p.fixSigns()
	return p
}

func meanOf(rows [][]float32, width int) []float64 {
	mean := make([]float64, width)
	for _, row := range rows {
		for i, x := range row {
			mean[i] += float64(x)
		}
	}
	for i := range mean {
		mean[i] /= float64(max(len(rows), 1))
	}
	return mean
}

// iterate gives A^T A Q (width, k) and Q^T A^T A Q (k, k) for the centred rows A and Q (width, k).
func iterate(rows [][]float32, mean, q []float64, k int) (next, gram []float64) {
	shift := times(mean, q, k)
	type part struct{ next, gram, sum []float64 }
	parts := make([]part, fitChunks)
	inChunks(len(rows), func(c, from, to int) {
		p := part{make([]float64, len(q)), make([]float64, k*k), make([]float64, k)}
		z := make([]float64, k)
		for _, row := range rows[from:to] {
			copy(z, shift)
			for i := range z {
				z[i] = -z[i]
			}
			for i, x := range row {
				axpy(z, float64(x), q[i*k:i*k+k])
			}
			for i, x := range row {
				axpy(p.next[i*k:i*k+k], float64(x), z)
			}
			for i, x := range z {
				axpy(p.gram[i*k:i*k+k], x, z)
				p.sum[i] += x
			}
		}
		parts[c] = p
	})
	next, gram = make([]float64, len(q)), make([]float64, k*k)
	sum := make([]float64, k)
	for _, p := range parts {
		axpy(next, 1, p.next)
		axpy(gram, 1, p.gram)
		axpy(sum, 1, p.sum)
	}
	for i, m := range mean {
		axpy(next[i*k:i*k+k], -m, sum)
	}
	return next, gram
}

// inChunks splits n rows evenly and works on the chunks side by side.
func inChunks(n int, work func(chunk, from, to int)) {
	var wg sync.WaitGroup
	for c := range fitChunks {
		wg.Go(func() { work(c, n*c/fitChunks, n*(c+1)/fitChunks) })
	}
	wg.Wait()
}

// axpy adds a * x to y, as far as y is long; an x shorter than that ends it.
func axpy(y []float64, a float64, x []float64) {
	n := min(len(y), len(x))
	y, x = y[:n], x[:n]
	for i, v := range x {
		y[i] += a * v
	}
}

// times is the row vector x (width) times m (width, k).
func times(x, m []float64, k int) []float64 {
	y := make([]float64, k)
	for i, v := range x {
		axpy(y, v, m[i*k:])
	}
	return y
}

// fixSigns makes each component's loading of largest size positive.
func (p *pca) fixSigns() {
	for j := range p.k {
		var largest float64
		for i := j; i < len(p.dirs); i += p.k {
			if math.Abs(p.dirs[i]) > math.Abs(largest) {
				largest = p.dirs[i]
			}
		}
		for i := j; largest < 0 && i < len(p.dirs); i += p.k {
			p.dirs[i] = -p.dirs[i]
		}
	}
}

// project gives the components of each row, and each component's share of the variance of all rows.
func (p *pca) project(rows [][]float32) (where [][]float64, explained []float64) {
	where = make([][]float64, len(rows))
	totals := make([]float64, fitChunks)
	shift := times(p.mean, p.dirs, p.k)
	inChunks(len(rows), func(c, from, to int) {
		for n := from; n < to; n++ {
			y := make([]float64, p.k)
			for i, x := range rows[n] {
				axpy(y, float64(x), p.dirs[i*p.k:])
				d := float64(x) - p.mean[i]
				totals[c] += d * d
			}
			axpy(y, -1, shift)
			where[n] = y
		}
	})
	var total float64
	for _, t := range totals {
		total += t
	}
	explained = make([]float64, p.k)
	for _, y := range where {
		for j, x := range y {
			explained[j] += x * x
		}
	}
	for j := range explained {
		if total > 0 {
			explained[j] /= total
		}
	}
	return where, explained
}
