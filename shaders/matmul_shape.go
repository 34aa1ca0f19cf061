package shaders

import (
	"fmt"

	"muninn/vk"
)

// matmulPush is the push block of lib/matmul.glsl.
type matmulPush struct {
	Rows, Row0, Units, N, XStride, YStride, Scales, Embeds, Bias, D uint32
	Eps                                                             float32
	Groups, First                                                   uint32
	Lower0, Lower1                                                  float32
	Form                                                            Residual
}

// units is the number of units of 16 bytes in a row of weights.
func (m Matrix) units() uint32 { return uint32(m.RowBytes() / unitBytes) }

// matmul dispatches one shard in the shape that suits the rows of x. parts is the number of weight matrices side by side.
// bind begins with the shards of w.
func (r *Recorder) matmul(op string, w Matrix, s Shard, parts int, x Tensor, p matmulPush, cost vk.Cost, bind ...vk.Span) {
	if r.err != nil {
		return
	}
	g := r.k.gemv(op, w, x)
	op += "_" + string(w.Format)
	if !x.Int8.IsZero() {
		op += "_i8"
	}
	n := x.Rows
	p.Rows, p.Row0, p.N, p.XStride = uint32(s.Rows), uint32(s.Row0), uint32(n), x.vectors()
	p.Scales = uint32(s.Span.Size() / 4)
	p.Units = w.units()
	p.Lower0 = s.lower()
	if !x.halves.IsZero() {
		tile := r.k.matrixTile(n, parts, w.Format)
		r.dispatchSpec(op+"_coop", tile.spec(), p, rowsY(groups(s.Rows, tile.weightRows()/parts), n, tile.xRows()), cost, bind...)
		return
	}
	if n > r.k.GEMVRows {
		tile := r.k.tile(n, s.Rows*parts, !x.Int8.IsZero())
		r.dispatchSpec(fmt.Sprintf("%s_tile%d", op, tile.results), append(tile.spec(), uint32(r.k.Dot)), p, rowsY(groups(s.Rows, tile.weightRows()/parts), n, tile.xRows()), cost, bind...)
		return
	}
	rows, xs := g.WeightRows, r.k.xRows(g, n, !x.Int8.IsZero())
	name, spec := r.k.gemvKernel(op, g, parts, xs, !x.Int8.IsZero(), n > 1 && w.Format.Blocked())
	all := groups(s.Rows, rows/parts)
	pieces := r.pieces(n, cost)
	cost.Bytes, cost.FLOPs = cost.Bytes/uint64(pieces), cost.FLOPs/uint64(pieces)
	each := groups(int(all), int(pieces))
	for ; p.First < all; p.First += each {
		r.dispatchSpec(name, spec, p, rowsY(min(each, all-p.First), n, xs), cost, bind...)
	}
}

// gemvKernel names the kernel of a GEMV with its specialization constants. blocks: there are several rows of x, and weights in blocks.
func (k *Kernels) gemvKernel(op string, g GEMV, parts, xs int, int8, blocks bool) (name string, spec []uint32) {
	switch {
	case k.Fixed:
		return fmt.Sprintf("%s_fix%d%s", op, xs, k.suffix()), nil
	case g.wide():
		return op + "_wg", []uint32{uint32(g.Groups) * k.Subgroup, uint32(g.WeightRows / g.Beside), uint32(xs), uint32(k.Dot), uint32(g.Beside), uint32(g.Depth), uint32(k.run())}
	}
	spec = []uint32{k.Subgroup, uint32(g.WeightRows), uint32(xs)}
	if int8 {
		spec = append(spec, uint32(k.Dot))
	}
	if k.Texels && (!blocks || k.BlockTexels || int8) {
		return op + "_texel" + k.suffix(), spec
	}
	return op + "_vec" + k.suffix(), spec
}

func matmulCost(w Matrix, rows int, x, y Tensor) vk.Cost {
	n := uint64(x.Rows)
	return vk.Cost{
		Bytes: uint64(rows)*w.rowCost() + x.readBytes() + n*uint64(rows)*4,
		FLOPs: 2 * uint64(rows) * uint64(w.Cols) * n,
	}
}
