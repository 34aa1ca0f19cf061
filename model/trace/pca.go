package trace

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	fitRows    = 2048 // states that components are computed from at most, spread evenly; all are projected
	earlyRows  = 256  // the same while a model waits
	oversample = 6    // directions iterated beyond those wanted, which makes the wanted ones converge faster
	fitRounds  = 30   // of iteration at most
	fitTol     = 1e-7 // relative change of the variances that ends it
	atOnce     = 512  // rows that are projected together
)

// pca is a basis of principal components, the one of largest variance first.
type pca struct {
	mean []float64  // width
	dirs *mat.Dense // (width, k); columns are orthonormal, or zero where there is no variance left
}

// fitPCA finds k principal components of rows by subspace iteration from a random start with a fixed seed: Q <- orth(A^T A Q),
// A being the centred rows (Halko, Martinsson and Tropp, "Finding structure with randomness", 2011).
func fitPCA(rows [][]float32, width, k int) *pca {
	p := &pca{mean: meanOf(rows, width), dirs: mat.NewDense(width, k, nil)}
	if len(rows) == 0 {
		return p
	}
	a, rng := p.centred(thinned(rows, fitRows)), rand.New(rand.NewPCG(1, 2))
	wide := min(k+oversample, width)
	q := mat.NewDense(width, wide, nil)
	q.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, q)
	last := 0.0
	for round := range fitRounds {
		orthonormalise(q)
		var z, gram, next mat.Dense
		z.Mul(a, q)
		gram.Mul(z.T(), &z)
		values, vectors := eigen(gram.RawMatrix().Data, wide)
		sum := floats.Sum(values[:min(k, wide)])
		if math.Abs(sum-last) <= fitTol*sum || sum != sum || round == fitRounds-1 {
			var turned mat.Dense
			turned.Mul(q, vectors)
			p.dirs.Copy(&turned)
			break
		}
		last = sum
		next.Mul(a.T(), &z)
		q = &next
	}
	p.fixSigns()
	return p
}

// thinned is at most so many of the rows, evenly.
func thinned(rows [][]float32, most int) (some [][]float32) {
	for i := 0; i < len(rows); i += (len(rows) + most - 1) / most {
		some = append(some, rows[i])
	}
	return some
}

func meanOf(rows [][]float32, width int) []float64 {
	mean := make([]float64, width)
	for _, row := range rows {
		for i, x := range row {
			mean[i] += float64(x) / float64(len(rows))
		}
	}
	return mean
}

// centred is the rows (n, width) less their mean.
func (p *pca) centred(rows [][]float32) *mat.Dense {
	a := mat.NewDense(len(rows), len(p.mean), nil)
	for i, row := range rows {
		to := a.RawRowView(i)
		for j, x := range row {
			to[j] = float64(x) - p.mean[j]
		}
	}
	return a
}

// fixSigns makes each component's loading of largest size positive.
func (p *pca) fixSigns() {
	_, k := p.dirs.Dims()
	for j := range k {
		loadings := mat.Col(nil, j, p.dirs)
		if slices.MaxFunc(loadings, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) }) < 0 {
			floats.Scale(-1, loadings)
			p.dirs.SetCol(j, loadings)
		}
	}
}

// project gives the components of each row, and each component's share of the variance of all rows.
func (p *pca) project(rows [][]float32) (where [][]float64, explained []float64) {
	_, k := p.dirs.Dims()
	explained = make([]float64, k)
	var total float64
	for some := range slices.Chunk(rows, atOnce) {
		a := p.centred(some)
		total += math.Pow(mat.Norm(a, 2), 2)
		var y mat.Dense
		y.Mul(a, p.dirs)
		for i := range some {
			where = append(where, y.RawRowView(i))
			for j, x := range y.RawRowView(i) {
				explained[j] += x * x
			}
		}
	}
	if total > 0 {
		floats.Scale(1/total, explained)
	}
	return where, explained
}

// eigen is all eigenvalues of a symmetric matrix (n, n), largest first, with their vectors as the columns of (n, n); zeros where
// there are none, because a number is not finite. The matrix is used up.
func eigen(a []float64, n int) (values []float64, vectors *mat.Dense) {
	values, vectors = make([]float64, n), mat.NewDense(n, n, nil)
	var e mat.EigenSym
	if sum := floats.Sum(a); math.IsNaN(sum) || math.IsInf(sum, 0) || !e.Factorize(mat.NewSymDense(n, a), true) {
		return values, vectors
	}
	var v mat.Dense
	e.VectorsTo(&v)
	for j, value := range e.Values(nil) { // smallest first
		values[n-1-j] = value
		vectors.SetCol(n-1-j, mat.Col(nil, j, &v))
	}
	return values, vectors
}

// orthonormalise makes the columns of q (n, k) orthonormal by Gram-Schmidt, done twice for what rounding leaves. A column
// that is nothing but a sum of those before it becomes zero.
func orthonormalise(q *mat.Dense) {
	_, k := q.Dims()
	for j := range k {
		column := q.ColView(j).(*mat.VecDense)
		before := mat.Norm(column, 2)
		for range 2 {
			for l := range j {
				column.AddScaledVec(column, -mat.Dot(q.ColView(l), column), q.ColView(l))
			}
		}
		scale := 0.0
		if after := mat.Norm(column, 2); after > 1e-12*before {
			scale = 1 / after
		}
		column.ScaleVec(scale, column)
	}
}
