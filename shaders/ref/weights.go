package ref

import (
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// rowFunc writes row i of a matrix.
type rowFunc func(i int, dst []float32)

// readBack is the largest matrix whose contents are compared after a run.
const readBack = 16 << 20

// weights is a weight matrix of a matmul's size, and what its rows are.
func (t *trial) weights(name string, s matmulSize) (shaders.Matrix, rowFunc) {
	row := t.source(name, s.family, s.format, s.k).row
	return t.matrix(name, s, s.k, row), row
}

// matrix is a weight matrix of so many columns, in shards as the case has them. row writes the values of row i.
func (t *trial) matrix(name string, s matmulSize, cols int, row rowFunc) (m shaders.Matrix) {
	t.buffer("guard before "+name, nil, false)
	if t.err == nil {
		m, t.err = shaders.NewMatrix(t.arena, s.rows, cols, s.format, s.limit(cols, t.dev.Caps()))
	}
	if t.err != nil {
		return m
	}
	for i := range m.Shards {
		t.fillShard(name, m, &m.Shards[i], row)
	}
	t.buffer("guard after "+name, nil, false)
	return m
}

// fillShard gives a shard its rows. A large one, which is not compared after a run, is never held whole.
func (t *trial) fillShard(name string, m shaders.Matrix, s *shaders.Shard, row rowFunc) {
	padded := make([]float32, m.Format.Padded(m.Cols))
	rows := func(first, n int) (weights, scales []byte) {
		for i := first; i < min(first+n, s.Rows); i++ {
			row(s.Row0+i, padded[:m.Cols])
			weights, scales = appendFormat(weights, scales, padded, m.Format)
		}
		return weights, scales
	}
	if s.Bind.Size() <= readBack {
		weights, scales := rows(0, s.Rows)
		halves := scales
		if m.Format == format.F16 {
			halves = weights
		}
		s.Lift = lift(halves, m.Format)
		if m.Format == format.BF16 {
			s.Lift = format.MatrixLift - format.BeyondHalves(weights, format.MatrixLift)
		}
		t.block(name, s.Bind, append(weights, scales...), false)
		return
	}
	const some = 256
	for first := 0; first < s.Rows; first += some {
		weights, scales := rows(first, some)
		t.write(s.Span, uint64(first)*m.RowBytes(), weights)
		t.write(s.Scales, uint64(first)*m.ScaleRowBytes(), scales)
	}
}

// write puts bytes on the device at once, for operands that are not compared after a run.
func (t *trial) write(s vk.Span, off uint64, b []byte) {
	if t.err == nil && len(b) > 0 {
		t.err = t.dev.Write(s.Slice(off, uint64(len(b))), b)
	}
}
