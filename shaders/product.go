package shaders

import (
	"fmt"

	"muninn/vk"
)

// productPush is the push block of lib/product.glsl.
type productPush struct {
	Rows, Row0, Units, N, XStride, YStride, Scales, Embeds, Bias, D uint32
	Eps                                                             float32
	Groups, First                                                   uint32
	Lower0, Lower1                                                  float32
}

// tiling is how products are cut on a device.
type tiling struct {
	rows    int    // weight rows a workgroup takes, in products as vectors
	xs      int    // rows of x it takes at most
	fixed   bool   // kernels with fixed numbers of rows: 4 of weights, 1 or 4 of x
	vectors int    // rows of x up to which products are taken as vectors; beyond, in tiles
	texels  bool   // products read through texel buffers; attention too, a row and a head a lane
	apart   uint32 // 1: products in 8 bits by multiplications, not by dot: APART in lib/quantised.glsl
}

// Unrolls tells whether the device's driver unrolls loops over specialization constants. SwiftShader does not: it runs such
// a product at a fifth of the speed, and takes gigabytes to compile one.
func Unrolls(c vk.Caps) bool { return !c.IsCPU() || c.SubgroupSize >= 8 }

// tilingOf picks the cut for a device; opt is filled in by choose. The figures for CPU devices are measured on lavapipe and
// SwiftShader: loads cost most there, so as many results as the compiler can hold share each. lavapipe reads storage buffers
// lane by lane; through texel buffers products take 0.5 of the time at one row and 0.6 to 0.8 at 16, and compile faster.
// Tiles in shared memory are worse on both: their barriers are switches between coroutines.
func tilingOf(c vk.Caps, opt Options) tiling {
	t := tiling{rows: 4, xs: 8, vectors: 16}
	if c.IsCPU() {
		t.vectors = 1 << 20
	}
	if opt.Reduction == SharedMemory || opt.Vectors == Fixed || opt.Vectors == AutoVectors && !Unrolls(c) {
		t.xs, t.fixed = 4, true
	}
	if c.IsCPU() && !t.fixed && opt.Loads != StorageBuffers && viewsShards(c) {
		t.rows, t.xs, t.texels = 16, 16, true
	}
	if t.texels && !c.IntegerDotAccelerated {
		t.apart = 1
	}
	return t
}

// viewsShards tells whether the device can view as single words whatever it binds as a storage buffer.
func viewsShards(c vk.Caps) bool {
	return c.MaxTexels >= c.ShardLimit()/4 && c.TexelAlignment <= c.OffsetAlignment
}

// units is the number of units of 16 bytes in a row of weights.
func (m Matrix) units() uint32 { return uint32(m.RowBytes() / 16) }

// product dispatches one shard in the shape that suits the rows of x. parts is the number of weight matrices side by side.
// bind begins with the shards of w.
func (r *Recorder) product(op string, w Matrix, s Shard, parts int, x Tensor, p productPush, cost vk.Cost, bind ...vk.Span) {
	if r.err != nil {
		return
	}
	op += "_" + string(w.Format)
	if !x.Quant.IsZero() {
		op += "_i8"
	}
	n := x.Rows
	p.Rows, p.Row0, p.N, p.XStride = uint32(s.Rows), uint32(s.Row0), uint32(n), x.vectors()
	p.Scales = uint32(s.Span.Size() / 4)
	p.Units = w.units()
	p.Lower0 = s.lower()
	if n > r.k.vectors {
		each := 64
		if n <= 32 {
			each = 32
		}
		r.dispatchSpec(fmt.Sprintf("%s_tile%d", op, each), nil, p, rowsY(groups(s.Rows, 64/parts), n, each), cost, bind...)
		return
	}
	rows, xs := r.asVectors(x)
	shape, spec := "vec", []uint32{r.k.size, uint32(rows), uint32(xs)}
	if !x.Quant.IsZero() {
		spec = append(spec, r.k.apart)
	}
	if r.k.fixed {
		shape, spec = fmt.Sprintf("fix%d", xs), nil
	} else if r.k.texels {
		shape = "texel"
	}
	all := groups(s.Rows, rows/parts)
	pieces := r.pieces(n, cost)
	cost.Bytes, cost.FLOPs = cost.Bytes/uint64(pieces), cost.FLOPs/uint64(pieces)
	each := groups(int(all), int(pieces))
	for ; p.First < all; p.First += each {
		r.dispatchSpec(op+"_"+shape+r.k.suffix(), spec, p, rowsY(min(each, all-p.First), n, xs), cost, bind...)
	}
}

// asVectors is how the rows of x are taken as vectors: weight rows and rows of x a workgroup. The rows of x are spread evenly
// over as few workgroups as can hold them. Rows in 8 bits have no fixed kernel but for one: on SwiftShader their products
// are bound by the dot itself, and four together take as long as one by one.
func (r *Recorder) asVectors(x Tensor) (rows, xs int) {
	t := r.k.tiling
	if t.fixed && !x.Quant.IsZero() {
		return t.rows, 1
	}
	if t.fixed && x.Rows > 1 {
		return t.rows, t.xs
	}
	tiles := max((x.Rows+t.xs-1)/t.xs, 1)
	return t.rows, (x.Rows + tiles - 1) / tiles
}

func productCost(w Matrix, rows int, x, y Tensor) vk.Cost {
	n := uint64(x.Rows)
	return vk.Cost{
		Bytes: uint64(rows)*w.rowCost() + x.readBytes() + n*uint64(rows)*4,
		FLOPs: 2 * uint64(rows) * uint64(w.Cols) * n,
	}
}
