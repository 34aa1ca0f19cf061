package shaders

import (
	"errors"
	"fmt"

	"muninn/shaders/plain"
	"muninn/vk"
)

// ErrBindingLimit is wrapped by errors about a buffer that the device cannot bind, however it is cut.
var ErrBindingLimit = errors.New("over the device's binding limit")

// Pad is the granularity of a row of activations in elements: rows are padded with zeros to a multiple of it, so that
// no unit of weights has a tail and every row can be bound on its own.
const Pad = 64

// Padded rounds a row length up to Pad elements.
func Padded(cols int) int { return roundUp(cols, Pad) }

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// Tensor is a matrix of float32 activations on the device: [Rows][Stride], of which the first Cols of each
// row hold values and the rest are zero, always.
type Tensor struct {
	Span   vk.Span
	Rows   int
	Cols   int
	Stride int // Padded(Cols)

	// Int8 are int8 activations as norms, attention and swiglu write them beside the floats; zero where there are none. Room for fewer
	// rows serves no more than those.
	Int8 vk.Span

	halves vk.Span // the same rows in half precision, where a matmul on matrix units reads them
}

// NewTensor takes [rows][Padded(cols)] float32 from the arena. The caller zeroes it once (Device.Fill); kernels
// never write the padding.
func NewTensor(a *vk.Arena, rows, cols int) (Tensor, error) {
	stride := Padded(cols)
	s, err := a.Alloc(uint64(rows) * uint64(stride) * 4)
	return Tensor{Span: s, Rows: rows, Cols: cols, Stride: stride}, err
}

// First is the tensor of the first n rows.
func (t Tensor) First(n int) Tensor { return t.From(0, n) }

// From is the tensor of n rows starting at row i.
func (t Tensor) From(i, n int) Tensor {
	if i < 0 || n < 0 || i+n > t.Rows {
		panic(fmt.Sprintf("shaders: rows %d..%d of a tensor of %d", i, i+n, t.Rows))
	}
	row := uint64(t.Stride) * 4
	t.Span = t.Span.Slice(uint64(i)*row, uint64(n)*row)
	if row = int8Row(t.Stride); t.Int8.Size() >= uint64(i+n)*row && !t.Int8.IsZero() {
		t.Int8 = t.Int8.Slice(uint64(i)*row, uint64(n)*row)
	} else {
		t.Int8 = vk.Span{}
	}
	t.Rows = n
	return t
}

// readBytes is what reading the rows once as a matmul's factor moves.
func (t Tensor) readBytes() uint64 {
	if t.Int8.IsZero() {
		return t.bytes()
	}
	return t.Int8.Size()
}

// bytes of n rows, values only.
func (t Tensor) bytes() uint64 { return uint64(t.Rows) * uint64(t.Cols) * 4 }

// Slots says which KV slot holds a core step.
type Slots = plain.Slots
