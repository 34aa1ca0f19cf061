package trace

import (
	"cmp"
	"math"
	"slices"
)

// eigen is all eigenvalues of a symmetric matrix (n, n), largest first, with their vectors as the columns of (n, n), by
// cyclic Jacobi rotations. The matrix is used up.
func eigen(a []float64, n int) (values, vectors []float64) {
	v := make([]float64, n*n)
	for i := range n {
		v[i*n+i] = 1
	}
	for range 50 { // sweeps; fewer than ten do
		var off, diagonal float64
		for i := range n {
			diagonal += a[i*n+i] * a[i*n+i]
			for j := range i {
				off += a[i*n+j] * a[i*n+j]
			}
		}
		if off <= 1e-30*diagonal || off != off {
			break
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				rotate(a, v, n, p, q)
			}
		}
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a[j*n+j], a[i*n+i]) })
	values, vectors = make([]float64, n), make([]float64, n*n)
	for to, from := range order {
		values[to] = a[from*n+from]
		for i := range n {
			vectors[i*n+to] = v[i*n+from]
		}
	}
	return values, vectors
}

// rotate makes a[p][q] zero.
func rotate(a, v []float64, n, p, q int) {
	x := a[p*n+q]
	if x == 0 {
		return
	}
	theta := (a[q*n+q] - a[p*n+p]) / (2 * x)
	t := 1 / (math.Abs(theta) + math.Hypot(theta, 1))
	if theta < 0 {
		t = -t
	}
	c := 1 / math.Hypot(t, 1)
	s := t * c
	for i := range n {
		ip, iq := a[i*n+p], a[i*n+q]
		a[i*n+p], a[i*n+q] = c*ip-s*iq, s*ip+c*iq
	}
	for i := range n {
		pi, qi := a[p*n+i], a[q*n+i]
		a[p*n+i], a[q*n+i] = c*pi-s*qi, s*pi+c*qi
		vp, vq := v[i*n+p], v[i*n+q]
		v[i*n+p], v[i*n+q] = c*vp-s*vq, s*vp+c*vq
	}
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
