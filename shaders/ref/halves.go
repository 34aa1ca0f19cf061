package ref

import (
	"math"
	"sync"

	"muninn/shaders"
	"muninn/shaders/format"
)

// halves are a row times a power of two, rounded to halves, and what undoes the power.
func halves(x []float32) (h []float32, scale float32) {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(float64(v)))
	}
	up := 126
	if exponent := math.Ilogb(top); top > 0 && exponent > math.MinInt16 {
		up = max(-126, min(14-exponent, 126))
	}
	for _, v := range x {
		h = append(h, format.F16.Round(float32(math.Ldexp(float64(v), up))))
	}
	return h, float32(math.Ldexp(1, -up))
}

// asHalves are rows of k values as matrix units multiply them.
func asHalves(x []float32, k int) (list []float32) {
	for ; len(x) > 0; x = x[k:] {
		h, scale := halves(x[:k])
		for _, v := range h {
			list = append(list, v*scale)
		}
	}
	return list
}

// weightsAsHalves are weights as matrix units multiply them: none is too small or too large, they go times a power of two.
func weightsAsHalves(w rowFunc) rowFunc {
	return func(i int, dst []float32) {
		w(i, dst)
		for k, v := range dst {
			b := math.Float32bits(v)
			dst[k] = math.Float32frombits((b + 0xfff + b>>13&1) &^ 0x1fff)
		}
	}
}

// products compares a matmul's output with what `of` makes of rows of k values and of what `as` makes of weights: as they are, or where
// matrix units multiply, rounded to halves.
func (t *trial) products(y tensor, rows []int, x []float32, k int, of func(x []float32, as func(rowFunc) rowFunc) reference) func(*verdict) {
	floats := sync.OnceValue(func() reference { return of(x, func(w rowFunc) rowFunc { return w }) })
	rounded := sync.OnceValue(func() reference { return of(asHalves(x, k), weightsAsHalves) })
	t.halves(len(x)/k, k+2*shaders.Pad) // halves of an adapter's row have padding of their own
	return func(v *verdict) {
		want := floats
		if v.halves {
			want = rounded
		}
		sampled(y, rows, want())(v)
	}
}

// halves makes room for n rows of k values, if anything multiplies on matrix units.
func (t *trial) halves(n, k int) {
	for _, kernels := range t.kernels {
		if kernels.MatrixUnits && t.half.IsZero() && t.err == nil {
			t.half, t.err = t.arena.Alloc(shaders.HalvesBytes(n, k))
		}
	}
}

func halvesCases() []Case {
	var sizes []normSize
	for i, n := range []int{1, 3, 17, 65} {
		for f := range family(families) {
			sizes = append(sizes, normSize{n: n, d: []int{8, 72, 328, 5280}[(i+int(f))%4], family: f})
		}
	}
	return each(Case{Op: "halves", Why: "rounded by integers"}, sizes, halvesTrial)
}

func halvesTrial(t *trial, s normSize) {
	t.needs = func(k *shaders.Kernels) bool { return k.Subgroup > 0 }
	x := t.drawn("x", s.family, s.n, s.d)
	y := t.blank("y", int(shaders.HalvesBytes(s.n, s.d)))
	t.check(func(r *shaders.Recorder) { r.ToHalves(y.data, x.Tensor) }, func(v *verdict) {
		row := len(y.now[y.lo:y.hi]) / s.n
		for n := range s.n {
			got := y.now[y.lo+n*row:][:row]
			h, scale := halves(x.x[n*s.d:][:s.d])
			if s := floatsOf(got[row-16:][:4])[0]; s != scale {
				v.fail("row %d has scale %g, want %g", n, s, scale)
			}
			values := make([]float32, x.Stride)
			format.F16.Decode(values, got[:2*x.Stride])
			for i, g := range values {
				if want := append(h, make([]float32, x.Stride-s.d)...)[i]; g != want {
					v.fail("row %d column %d is %g, want %g", n, i, g, want)
					break
				}
			}
		}
	})
}
