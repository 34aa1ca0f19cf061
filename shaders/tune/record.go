package tune

import (
	"muninn/shaders"
	"muninn/vk"
)

// parts is the number of matrices that an op reads side by side.
func parts(u Use) int {
	if u.Op == "swiglu" {
		return 2
	}
	return 1
}

// cut is how many rows of a use's matrix fit in the scratch.
func (b *bench) cut(u Use) int {
	if !u.product() {
		return 0
	}
	return int(min(uint64(u.Rows), b.weights.Size()/uint64(parts(u))/shaders.MatrixBytes(1, u.Cols, u.Format)))
}

// matrices are those of a use, one behind another through the scratch; through a part of it where a CPU computes many rows.
func (b *bench) matrices(at situation) (list []shaders.Matrix) {
	u := b.job.Uses[at.use]
	if !u.product() {
		return nil
	}
	m := shaders.Matrix{Rows: b.cut(u), Cols: u.Cols, Format: u.Format}
	weights, scales := uint64(m.Rows)*m.RowBytes(), uint64(m.Rows)*m.ScaleRowBytes()
	size := weights + scales
	for at := uint64(0); at+size <= b.weights.Size(); at += (size + align - 1) / align * align {
		s := b.weights.Slice(at, size)
		shard := shaders.Shard{Bind: s, Span: s.Slice(0, weights), Rows: m.Rows}
		if scales > 0 {
			shard.Scales = s.Slice(weights, scales)
		}
		one := m
		one.Shards = []shaders.Shard{shard}
		list = append(list, one)
	}
	if b.own && at.n > 1 {
		list = list[:max(parts(u), len(list)/8/parts(u)*parts(u))]
	}
	return list
}

const often = 16 // is a norm in its program

// record records a use, once for each of its matrices.
func (b *bench) record(r *shaders.Recorder, t shaders.Tuning, at situation) (bytes uint64) {
	u := b.job.Uses[at.use]
	if u.Op == Attention {
		return b.attention.record(r, at.n)
	}
	o := b.of[at.use]
	x, y := o.x.First(at.n), o.y.First(at.n)
	if !int8(t, u, at.n) {
		x.Int8 = vk.Span{}
	}
	all := b.matrices(at)
	weight := b.words.Slice(0, 4*uint64(y.Cols))
	switch {
	case u.Op == Norm:
		for range often {
			r.AddNormPair(o.z.First(at.n), o.sum.First(at.n), y, shaders.ResidualNormed, weight, weight, 1e-6)
			bytes += 4 * uint64(u.Cols)
		}
	case u.Normed:
		for _, w := range all {
			r.MatMulNorm(o.z.First(at.n), o.sum.First(at.n), y, w, x, shaders.ResidualNormed, weight, weight, 1e-6, b.arrived)
		}
	case u.Op == "swiglu":
		for i := 0; i+1 < len(all); i += 2 {
			r.SwiGLU(y, all[i], all[i+1], x)
		}
	case u.Op == "adapter":
		rows := shaders.Rows{Span: b.words.Slice(0, uint64(at.n)*shaders.RowBytes), N: at.n}
		inputs := o.x.First(2 * mostRows)
		for _, w := range all {
			r.Adapter(y, w, inputs, vk.Span{}, rows)
		}
	default:
		for _, w := range all {
			r.MatMul(y, w, x)
		}
	}
	if u.Op != Norm {
		bytes = uint64(len(all)) * shaders.MatrixBytes(b.cut(u), u.Cols, u.Format)
	}
	return bytes
}
