package shaders

import (
	"fmt"
	"strings"

	"muninn/vk"
)

// Format is how a weight matrix stores its elements.
type Format int

// The weight formats of lib/weight.glsl. The block formats share a half-precision scale among BlockSize weights.
const (
	F32  Format = iota
	F16         // IEEE half precision
	BF16        // upper half of a float32
	Q8_0        // blocks: scale times an integer of -127 to 127
	Q4_0        // blocks: scale times an integer of -8 to 7
)

// BlockSize is the number of weights that share a scale in the block formats, along a row.
const BlockSize = 32

var formats = []struct {
	name string
	bits int // of one weight, without its share of a scale
	pad  int // granularity of a row's length in weights
}{
	F32: {"f32", 32, 8}, F16: {"f16", 16, 8}, BF16: {"bf16", 16, 8}, Q8_0: {"q8_0", 8, 64}, Q4_0: {"q4_0", 4, 64},
}

// Formats lists the weight formats.
func Formats() []Format { return []Format{F32, F16, BF16, Q8_0, Q4_0} }

// String is the format's name as in the kernels' names and on the command line.
func (f Format) String() string { return formats[f].name }

// Blocked tells whether blocks of weights share a scale.
func (f Format) Blocked() bool { return f >= Q8_0 }

// Padded is the length of a row of cols weights on the device, in weights: rows are padded with zeros.
func (f Format) Padded(cols int) int { return roundUp(cols, formats[f].pad) }

// Bytes is what n weights take, without their scales; n is a multiple of the row's granularity.
func (f Format) Bytes(n int) int { return n * formats[f].bits / 8 }

// ParseFormat reads a name that String prints.
func ParseFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.String() == name {
			return f, nil
		}
		names = append(names, f.String())
	}
	return 0, fmt.Errorf("shaders: weight format %q is not known; use %s", name, strings.Join(names, ", "))
}

// Shard is a run of a matrix's rows in one span that can be bound at once.
type Shard struct {
	Bind   vk.Span // everything: the weights and, behind them, the scales of a block format
	Span   vk.Span // [Rows][Padded(Cols)] weights; q4_0: per block 16 bytes, byte j with weight j below and j+16 above
	Scales vk.Span // block formats: [Rows][Padded(Cols)/BlockSize] scales in half precision
	Row0   int     // first row
	Rows   int
}

// Matrix is a weight matrix on the device, cut by rows in shards below the device's binding limit. A product over it is
// one dispatch a shard.
type Matrix struct {
	Rows, Cols int
	Format     Format
	Shards     []Shard
}

// RowBytes is the length of one padded row of weights, without scales.
func (m Matrix) RowBytes() uint64 { return uint64(m.Format.Bytes(m.Format.Padded(m.Cols))) }

// ScaleRowBytes is the length of the scales of one row; 0 for formats without.
func (m Matrix) ScaleRowBytes() uint64 {
	if !m.Format.Blocked() {
		return 0
	}
	return uint64(m.Format.Padded(m.Cols)) / BlockSize * 2
}

// rowCost is what reading one row moves.
func (m Matrix) rowCost() uint64 { return m.RowBytes() + m.ScaleRowBytes() }

// MatrixBytes is the device memory of a rows x cols matrix, without what cutting it in shards adds.
func MatrixBytes(rows, cols int, f Format) uint64 {
	return uint64(rows) * Matrix{Cols: cols, Format: f}.rowCost()
}

// NewMatrix takes a matrix from the arena, cut in shards of at most limit bytes. Its contents are the caller's to write.
func NewMatrix(a *vk.Arena, rows, cols int, f Format, limit uint64) (Matrix, error) {
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
