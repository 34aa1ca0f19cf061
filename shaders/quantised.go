package shaders

import (
	"fmt"

	"muninn/vk"
)

// Activations is what products with block formats multiply the weights by.
type Activations int

// AutoActivations takes Int8Activations where they are faster: see Kernels.Int8.
const (
	AutoActivations  Activations = iota
	FloatActivations             // rows as they are
	Int8Activations              // where a norm writes the row: its blocks of BlockSize rounded to 8 bits, by integer dot products
)

// ParseActivations reads auto, f32 or q8.
func ParseActivations(name string) (Activations, error) {
	for a, n := range ActivationNames() {
		if n == name {
			return Activations(a), nil
		}
	}
	return 0, fmt.Errorf("shaders: activations %q are not known; use auto, f32 or q8", name)
}

// ActivationNames are the names that ParseActivations knows.
func ActivationNames() []string { return []string{"auto", "f32", "q8"} }

// quantRow is the length in bytes of a quantised row that stands for stride floats: lib/quantised.glsl has its layout.
func quantRow(stride int) uint64 { return uint64(stride) / 64 * 80 }

// QuantBytes is the size of Tensor.Quant for rows of cols values.
func QuantBytes(rows, cols int) uint64 { return uint64(rows) * quantRow(Padded(cols)) }

// NewQuantised takes a tensor and room for its rows in 8 bits from the arena.
func NewQuantised(a *vk.Arena, rows, cols int) (Tensor, error) {
	t, err := NewTensor(a, rows, cols)
	if err == nil {
		t.Quant, err = a.Alloc(QuantBytes(rows, cols))
	}
	return t, err
}

// factor is x as a product with w reads it: Quant is zero when that is the floats.
func (r *Recorder) factor(w Matrix, x Tensor) Tensor {
	if !x.Quant.IsZero() && !r.k.CanInt8(w.Format, x.Rows) {
		x.Quant = vk.Span{}
	}
	return x
}

// factor is the span that a product reads of x, vectors the number of vectors of 16 bytes in a row of it.
func (t Tensor) factor() vk.Span {
	if t.Quant.IsZero() {
		return t.Span
	}
	return t.Quant
}

func (t Tensor) vectors() uint32 {
	if t.Quant.IsZero() {
		return uint32(t.Stride / 4)
	}
	return uint32(quantRow(t.Stride) / 16)
}

// withQuant adds what a norm that writes y also writes, and names the kernel.
func (r *Recorder) withQuant(name string, y Tensor, bind ...vk.Span) (string, []vk.Span) {
	if y.Quant.IsZero() || r.k.Subgroup == 0 {
		return name + r.k.suffix(), bind
	}
	return name + "_quantise" + r.k.suffix(), append(bind, y.Quant)
}
