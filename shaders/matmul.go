package shaders

import (
	"fmt"

	"muninn/vk"
)

// productPush is the push block of lib/product.glsl.
type productPush struct {
	Rows, Row0, Units, N, XStride, YStride, Split, Bias uint32
}

// MatMul records y[n][i] = sum_k w[i][k] x[n][k].
// w (rows, cols), x (n, cols), y (n, rows).
func (r *Recorder) MatMul(y Tensor, w Matrix, x Tensor) {
	if !r.check(w.Cols == x.Cols && w.Rows == y.Cols && x.Rows == y.Rows, "matmul of %dx%d by %dx%d into %dx%d",
		w.Rows, w.Cols, x.Rows, x.Cols, y.Rows, y.Cols) {
		return
	}
	for _, s := range w.Shards {
		p := productPush{Rows: uint32(s.Rows), Row0: uint32(s.Row0), Units: w.units(), N: uint32(x.Rows),
			XStride: uint32(x.Stride / 4), YStride: uint32(y.Stride)}
		r.product("matmul", w.Format, 1, p, productCost(w, s.Rows, x, y), s.Span, x.Span, y.Span)
	}
}

// product dispatches one shard in the shape that suits the number of rows. parts is the number of weight
// matrices side by side.
func (r *Recorder) product(op string, f Format, parts int, p productPush, cost vk.Cost, bind ...vk.Span) {
	n, rows := int(p.N), int(p.Rows)
	if n <= r.k.opt.VecRows {
		t := 1
		for t < n && t < 8 {
			t *= 2
		}
		name := fmt.Sprintf("%s_%s_vec%d%s", op, f, t, r.k.suffix())
		r.dispatch(name, p, [3]uint32{groups(rows, 4/parts), groups(n, t), 1}, cost, bind...)
		return
	}
	if r.k.opt.Shape == Direct {
		name := fmt.Sprintf("%s_%s_direct", op, f)
		r.dispatchSpec(name, directLanes, p, [3]uint32{groups(rows, directLanes*8/parts), groups(n, 8), 1}, cost, bind...)
		return
	}
	r.dispatch(fmt.Sprintf("%s_%s_tile", op, f), p, [3]uint32{groups(rows, 64/parts), groups(n, 64), 1}, cost, bind...)
}

// directLanes is the local size of the direct shape: a subgroup of lavapipe, two of SwiftShader.
const directLanes = 8

func (r *Recorder) dispatchSpec(name string, spec uint32, push any, groups [3]uint32, cost vk.Cost, bind ...vk.Span) {
	if r.err != nil {
		return
	}
	kernel, err := r.k.get(name, spec)
	if err != nil {
		r.fail(err)
		return
	}
	r.prog.Dispatch(kernel, push, groups, cost, bind...)
}

func productCost(w Matrix, rows int, x, y Tensor) vk.Cost {
	n := uint64(x.Rows)
	return vk.Cost{
		Bytes: uint64(rows)*w.RowBytes() + x.bytes() + n*uint64(rows)*4,
		FLOPs: 2 * uint64(rows) * uint64(w.Cols) * n,
	}
}
