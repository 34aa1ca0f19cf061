package shaders

import (
	"fmt"
	"math"

	"muninn/shaders/format"
	"muninn/vk"
)

// Shard is a run of a matrix's rows in one span that can be bound at once.
type Shard struct {
	Bind   vk.Span // everything: the weights and, behind them, the scales of a block format
	Span   vk.Span // [Rows][Padded(Cols)] weights; q4_0: per block 16 bytes, byte j with weight j below and j+16 above
	Scales vk.Span // block formats: [Rows][Padded(Cols)/format.Block] scales in half precision
	Row0   int     // first row
	Rows   int
	Lift   int // halves in it, f16 weights and scales, are stored times 2^Lift; bf16 weights become halves times 2^Lift on matrix units
}

// lower is what takes sums over the stored halves back.
func (s Shard) lower() float32 { return float32(math.Ldexp(1, -s.Lift)) }

// stored is what takes back single weights as they are stored.
func (m Matrix) stored(s Shard) float32 {
	if m.Format == format.BF16 {
		return 1
	}
	return s.lower()
}

// Matrix is a weight matrix on the device, cut by rows in shards below the device's binding limit. A matmul over it is
// one dispatch a shard.
type Matrix struct {
	Rows, Cols int
	Format     format.Type
	Shards     []Shard
}

// RowBytes is the length of one padded row of weights, without scales.
func (m Matrix) RowBytes() uint64 { return uint64(m.Format.PlaneBytes(m.Format.Padded(m.Cols))) }

// ScaleRowBytes is the length of the scales of one row; 0 for formats without.
func (m Matrix) ScaleRowBytes() uint64 {
	if !m.Format.Blocked() {
		return 0
	}
	return uint64(m.Format.Padded(m.Cols)) / format.Block * format.ScaleBytes
}

// rowCost is what reading one row moves.
func (m Matrix) rowCost() uint64 { return m.RowBytes() + m.ScaleRowBytes() }

// MatrixBytes is the device memory of a rows x cols matrix, without what cutting it in shards adds.
func MatrixBytes(rows, cols int, f format.Type) uint64 {
	return uint64(rows) * Matrix{Cols: cols, Format: f}.rowCost()
}

// NewMatrix takes a matrix from the arena, cut in shards of at most limit bytes. Its contents are the caller's to write.
func NewMatrix(a *vk.Arena, rows, cols int, f format.Type, limit uint64) (Matrix, error) {
	m := Matrix{Rows: rows, Cols: cols, Format: f}
	per := int(min(limit/m.rowCost(), uint64(rows)))
	if per == 0 {
		return m, fmt.Errorf("shaders: one row of a %dx%d matrix in %s is %d bytes, %w of %d: this model is too wide for the device",
			rows, cols, f, m.rowCost(), ErrBindingLimit, limit)
	}
	for row := 0; row < rows; row += per {
		n := min(per, rows-row)
		weights, scales := uint64(n)*m.RowBytes(), uint64(n)*m.ScaleRowBytes()
		s, err := a.Alloc(weights + scales)
		if err != nil {
			return m, err
		}
		shard := Shard{Bind: s, Span: s.Slice(0, weights), Row0: row, Rows: n}
		if scales > 0 {
			shard.Scales = s.Slice(weights, scales)
		}
		m.Shards = append(m.Shards, shard)
	}
	return m, nil
}

// View is n rows of a shard of the matrix, from row `from` of the shard on.
func (m Matrix) View(s Shard, from, n int) Shard {
	s.Span = s.Span.Slice(uint64(from)*m.RowBytes(), uint64(n)*m.RowBytes())
	if m.Format.Blocked() {
		s.Scales = s.Scales.Slice(uint64(from)*m.ScaleRowBytes(), uint64(n)*m.ScaleRowBytes())
	}
	s.Row0, s.Rows = s.Row0+from, n
	return s
}
