package trace

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// eigen is all eigenvalues of a symmetric matrix (n, n), largest first, with their vectors as the columns of (n, n); zeros where
// there are none, because a number is not finite. The matrix is used up.
func eigen(a []float64, n int) (values, vectors []float64) {
	values, vectors = make([]float64, n), make([]float64, n*n)
	var sum float64
	for _, x := range a {
		sum += x
	}
	var e mat.EigenSym
	if math.IsNaN(sum) || math.IsInf(sum, 0) || !e.Factorize(mat.NewSymDense(n, a), true) {
		return values, vectors
	}
	var v mat.Dense
	e.VectorsTo(&v)
	for j, value := range e.Values(nil) { // smallest first
		values[n-1-j] = value
		for i := range n {
			vectors[i*n+n-1-j] = v.At(i, j)
		}
	}
	return values, vectors
}

// orthonormalise makes the columns of q (n, k) orthonormal by Gram-Schmidt, done twice for what rounding leaves. A column
// that is nothing but a sum of those before it becomes zero.
func orthonormalise(q []float64, n, k int) {
	for j := range k {
		before := columnNorm(q, n, k, j)
		for range 2 {
			for l := range j {
				var dot float64
				for i := range n {
					dot += q[i*k+l] * q[i*k+j]
				}
				for i := range n {
					q[i*k+j] -= dot * q[i*k+l]
				}
			}
		}
		scale := 0.0
		if after := columnNorm(q, n, k, j); after > 1e-12*before {
			scale = 1 / after
		}
		for i := range n {
			q[i*k+j] *= scale
		}
	}
}

func columnNorm(q []float64, n, k, j int) float64 {
	var sum float64
	for i := range n {
		sum += q[i*k+j] * q[i*k+j]
	}
	return math.Sqrt(sum)
}
