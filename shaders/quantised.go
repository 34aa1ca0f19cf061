package shaders

import (
	"fmt"

	"muninn/shaders/format"
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

// quantSpans is the number of spans that the largest kernel of this path binds.
const quantSpans = 9

// CanInt8 tells whether products of so many rows of x with weights of that format can take x in 8 bits. More rows than are
// taken as vectors go in float tiles.
func (k *Kernels) CanInt8(f format.Type, rows int) bool {
	c := k.dev.Caps()
	return c.IntegerDot && c.MaxStorageBuffers >= quantSpans && k.size != 0 && f.Blocked() && rows <= k.vectors
}

// Int8 tells whether such products should. It does not go by the number of rows as long as they are taken as vectors, so that
// a row's result does not depend on how many share the pass.
func (k *Kernels) Int8(f format.Type, rows int) bool {
	return k.CanInt8(f, rows) && (k.opt.Activations == Int8Activations || k.opt.Activations == AutoActivations && int8Pays(k.dev.Caps(), f))
}

// int8Pays goes by what the device says, and on CPU devices by what was measured there: time with floats over time with 8
// bits, for 1, 2, 4, 8 and 16 rows at 5280 columns (BenchmarkInt8).
//
//	lavapipe     q8_0  1.48 1.33 1.29 1.18 1.18   q4_0  1.60 1.59 1.48 1.42 1.36
//	SwiftShader  q8_0  1.94 1.70 0.91 0.90 0.89   q4_0  1.35 1.28 0.74 0.75 0.72
//
// SwiftShader works a dot out byte by byte, once for each pair of rows, while floats share the unpacked weights among four
// rows of x. In q8_0 decoding gains more than a prompt loses; in q4_0 it does not. lavapipe takes a dot apart too;
// multiplications do without it there (lib/quantised.glsl): dots took 1.3 times as long in q4_0 for 8 and 16 rows, 1.1 times in
// q8_0. Units of whole blocks were no faster for q8_0.
func int8Pays(c vk.Caps, f format.Type) bool {
	return c.IntegerDotAccelerated || c.IsCPU() && (f == format.Q8_0 || Unrolls(c))
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
	if y.Quant.IsZero() || r.k.size == 0 {
		return name + r.k.suffix(), bind
	}
	return name + "_quantise" + r.k.suffix(), append(bind, y.Quant)
}
