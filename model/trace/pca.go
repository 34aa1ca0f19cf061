package trace

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	fitRows    = 2048 // states that components are computed from at most, spread evenly; all are projected
	oversample = 6    // directions iterated beyond those wanted, which makes the wanted ones converge faster
	fitRounds  = 30   // of iteration at most
	fitTol     = 1e-7 // relative change of the variances that ends it
	atOnce     = 512  // rows that are projected together
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
	stride := max((len(rows)+fitRows-1)/fitRows, 1)
	var some [][]float32
	for i := 0; i < len(rows); i += stride {
		some = append(some, rows[i])
	}
	if len(some) == 0 {
		return p
	}
	a, wide := p.centred(some), min(k+oversample, width)
	rng := rand.New(rand.NewPCG(1, 2))
	start := make([]float64, width*wide)
	for i := range start {
		start[i] = rng.NormFloat64()
	}
	q, last := mat.NewDense(width, wide, start), 0.0
	for round := range fitRounds {
		orthonormalise(q.RawMatrix().Data, width, wide)
		var z, gram, next mat.Dense
		z.Mul(a, q)
		gram.Mul(z.T(), &z)
		values, vectors := eigen(gram.RawMatrix().Data, wide)
		sum := floats.Sum(values[:min(k, wide)])
		if math.Abs(sum-last) <= fitTol*sum || sum != sum || round == fitRounds-1 {
			best := mat.NewDense(wide, wide, vectors).Slice(0, wide, 0, min(k, wide))
			mat.NewDense(width, k, p.dirs).Slice(0, width, 0, min(k, wide)).(*mat.Dense).Mul(q, best)
			break
		}
		next.Mul(a.T(), &z)
		q, last = &next, sum
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
	floats.Scale(1/float64(max(len(rows), 1)), mean)
	return mean
}

// centred are rows less the mean.
func (p *pca) centred(rows [][]float32) *mat.Dense {
	a := mat.NewDense(len(rows), len(p.mean), nil)
	for n, row := range rows {
		to := a.RawRowView(n)
		for i, x := range row {
			to[i] = float64(x) - p.mean[i]
		}
	}
	return a
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
	explained = make([]float64, p.k)
	var total float64
	for from := 0; from < len(rows); from += atOnce {
		a := p.centred(rows[from:min(from+atOnce, len(rows))])
		data := a.RawMatrix().Data
		total += floats.Dot(data, data)
		var y mat.Dense
		y.Mul(a, mat.NewDense(len(p.mean), p.k, p.dirs))
		for n := range y.RawMatrix().Rows {
			where = append(where, y.RawRowView(n))
			for j, x := range y.RawRowView(n) {
				explained[j] += x * x
			}
		}
	}
	if total > 0 {
		floats.Scale(1/total, explained)
	}
	return where, explained
}
