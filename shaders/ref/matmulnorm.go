package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// matmulNormCases compare MatMulNorm with MatMul and AddNormPair in turn: matmul's oracle holds those, so the same
// bits are asked for. It is recorded twice, since its counter must be ready for the next use.
func matmulNormCases() []Case {
	var list []Case
	for i, f := range format.Types() {
		for j, n := range []int{1, 3, 5} {
			s := matmulSize{n: n, rows: []int{5, 65, 120}[(i+j)%3], k: []int{24, 328, 5280}[(i+j)%3], format: f, shards: 1 + 2*(j%2)}
			list = append(list, Case{Op: "matmulnorm", Name: s.String(), Why: "the same sums in the same order", run: func(t *trial) { matmulNormTrial(t, s) }})
			if f.Blocked() {
				list = append(list, Case{Op: "matmulnorm", Name: "int8 " + s.String(), Why: "the same sums in the same order", run: func(t *trial) {
					t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(f, 1) }
					matmulNormTrial(t, s)
				}})
			}
		}
	}
	return list
}

func matmulNormTrial(t *trial, s matmulSize) {
	weights := source{seed("matmulnorm w", s.String()), s.family, s.format, s.k}
	x := t.input("x", source{seed("matmulnorm x", s.String()), s.family, format.F32, s.k}.all(s.n), s.n, s.k)
	w := t.matrix("w", s.rows, s.k, s.format, s.limit(s.k), weights.row)
	_, residual := addends("matmulnorm "+s.String(), normSize{n: s.n, d: s.rows})
	weight, next := t.floats("weight", normWeights("1 "+s.String(), s.rows)), t.floats("next", normWeights("2 "+s.String(), s.rows))
	arrived := t.buffer("arrived", make([]byte, 4), true)

	type outputs struct {
		y, residual, z tensor
		bits           *operand // of z
	}
	var sets []outputs // apart, and together twice
	for i := range 3 {
		o := outputs{y: t.output(fmt.Sprint("y ", i), s.n, s.rows), residual: t.inout(fmt.Sprint("residual ", i), residual, s.n, s.rows), z: t.unwritten(fmt.Sprint("z ", i), s.n, s.rows)}
		if t.needs != nil {
			o.bits = t.room(&o.z)
		}
		sets = append(sets, o)
	}
	t.check(func(r *shaders.Recorder) {
		apart := sets[0]
		r.MatMul(apart.y.Tensor, w, x.Tensor)
		r.AddNormPair(apart.z.Tensor, apart.residual.Tensor, apart.y.Tensor, weight, next, normEps)
		for _, o := range sets[1:] {
			r.MatMulNorm(o.z.Tensor, o.residual.Tensor, o.y.Tensor, w, x.Tensor, weight, next, normEps, arrived.data)
		}
	}, func(v *verdict) {
		want := sets[0]
		for _, o := range sets[1:] {
			v.tensor(o.y, untouchedPadding, want.y.cells())
			v.tensor(o.residual, untouchedPadding, want.residual.cells())
			v.tensor(o.z, untouchedPadding, want.z.cells())
			if o.bits != nil {
				v.int8s(o.z, o.bits)
			}
		}
		if n := floatsOf(arrived.values())[0]; n != 0 {
			v.fail("the counter is not 0 again")
		}
	})
}

// cells are a tensor's values after a run, without the padding.
func (t tensor) cells() []float64 {
	var cells []float64
	all := floatsOf(t.values())
	for r := range t.Rows {
		cells = append(cells, plain.Widen(all[r*t.Stride:][:t.Cols])...)
	}
	return cells
}
