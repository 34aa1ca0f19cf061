package shaders

import (
	"fmt"
	"slices"

	"muninn/vk"
)

// Activations is what GEMV with block formats multiplies the weights by.
type Activations int

// AutoActivations takes Int8Activations where they are faster: see Kernels.Int8.
const (
	AutoActivations  Activations = iota
	FloatActivations             // rows as they are
	Int8Activations              // where a norm writes the row: its blocks of BlockSize rounded to 8 bits, by integer dot
)

// ParseActivations reads auto, f32 or q8.
func ParseActivations(name string) (Activations, error) {
	if a := slices.Index(ActivationNames(), name); a >= 0 {
		return Activations(a), nil
	}
	return 0, fmt.Errorf("shaders: activations %q are not known; use auto, f32 or q8", name)
}

// ActivationNames are the names that ParseActivations knows.
func ActivationNames() []string { return []string{"auto", "f32", "q8"} }

// int8Row is the length in bytes of a quantized row that stands for stride floats: lib/quantized.glsl has its layout.
func int8Row(stride int) uint64 { return uint64(stride) / 64 * 80 }

// Int8Bytes is the size of Tensor.Int8 for rows of cols values.
func Int8Bytes(rows, cols int) uint64 { return uint64(rows) * int8Row(Padded(cols)) }

// factor is x as a matmul with w reads it: Quant is zero when that is the floats.
func (r *Recorder) factor(w Matrix, x Tensor) Tensor {
	if !x.Int8.IsZero() && !r.k.CanInt8(w.Format, x.Rows) {
		x.Int8 = vk.Span{}
	}
	return x
}

// factor is the span that a matmul reads of x, vectors the number of vectors of 16 bytes in a row of it.
func (t Tensor) factor() vk.Span {
	if t.Int8.IsZero() {
		return t.Span
	}
	return t.Int8
}

func (t Tensor) vectors() uint32 {
	if t.Int8.IsZero() {
		return uint32(t.Stride / 4)
	}
	return uint32(int8Row(t.Stride) / 16)
}

// withInt8 adds what a norm that writes y also writes, and names the kernel.
func (r *Recorder) withInt8(name string, y Tensor, bind ...vk.Span) (string, []vk.Span) {
	if y.Int8.IsZero() || r.k.Subgroup == 0 {
		return name + r.k.suffix(), bind
	}
	return name + "_quantize" + r.k.suffix(), append(bind, y.Int8)
}
