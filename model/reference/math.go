package reference

import (
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"muninn/shaders/plain"
)

// refMatrix is a weight (rows, cols), row after row.
type refMatrix struct {
	rows, cols int
	w          []float32
}

func (m refMatrix) row(i int) []float32 { return m.w[i*m.cols : (i+1)*m.cols] }

// times: x (S, cols) to x W^T + bias (S, rows).
func (m refMatrix) times(x [][]float64, bias []float32) [][]float64 {
	y := newRows(len(x), m.rows)
	parallel(m.rows, func(o int) {
		for i := range x {
			y[i][o] = plain.Dot(m.row(o), x[i])
			if bias != nil {
				y[i][o] += float64(bias[o])
			}
		}
	})
	return y
}

// rmsNorms: each row divided by the root of its mean square, times the weight.
func rmsNorms(x [][]float64, weight []float32, eps float64) [][]float64 {
	y := make([][]float64, len(x))
	for i, row := range x {
		y[i] = plain.RMSNorm(row, weight, eps)
	}
	return y
}

// gated: silu(first half) * second half, (S, 2m) to (S, m).
func gated(x [][]float64) [][]float64 {
	y := make([][]float64, len(x))
	for i, row := range x {
		m := len(row) / 2
		y[i] = make([]float64, m)
		for j, gate := range row[:m] {
			y[i][j] = plain.SwiGLU(gate, row[m+j])
		}
	}
	return y
}

func plus(x, y [][]float64) [][]float64 {
	sum := newRows(len(x), len(x[0]))
	for i := range x {
		floats.AddTo(sum[i], x[i], y[i])
	}
	return sum
}

func concat(x, y [][]float64) [][]float64 {
	both := make([][]float64, len(x))
	for i := range x {
		both[i] = slices.Concat(x[i], y[i])
	}
	return both
}

func addBias(x []float64, bias []float32) {
	for i := range x {
		x[i] += float64(bias[i])
	}
}

func newRows(n, cols int) [][]float64 {
	all, rows := make([]float64, n*cols), make([][]float64, n)
	for i := range rows {
		rows[i] = all[i*cols : (i+1)*cols : (i+1)*cols]
	}
	return rows
}

func norm(x []float64) float64 { return math.Sqrt(plain.Dot(x, x)) }

func minus(x, y []float64) []float64 { return floats.SubTo(make([]float64, len(x)), x, y) }

func narrowRows(x [][]float64) [][]float32 {
	rows := make([][]float32, len(x))
	for i := range x {
		rows[i] = narrow(x[i])
	}
	return rows
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// parallel calls f for 0..n-1, on all processors; the calls must not touch each other's results.
func parallel(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				f(i)
			}
		})
	}
	wait.Wait()
}
