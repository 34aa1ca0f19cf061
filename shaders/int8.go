package shaders

import (
	"fmt"
	"slices"

	"muninn/shaders/format"
	"muninn/vk"
)

// Activations is what GEMV with block formats multiplies the weights by.
type Activations int

// AutoActivations takes Int8Activations where they are faster: see Kernels.Int8.
const (
	AutoActivations  Activations = iota
	FloatActivations             // rows as they are
	Int8Activations              // where what writes the row can: its blocks of BlockSize rounded to 8 bits, by integer dot
)

// Dot is how GEMV multiplies int8 activations: DOT in lib/quantized.glsl.
type Dot uint32

// Apart takes the bytes out of the words; the others leave them in, and differ in whether the weights have a sign.
const (
	Apart Dot = iota
	SignedDot
	MixedDot
)

func (d Dot) String() string { return [...]string{"apart", "signed", "mixed"}[d] }

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

// WholeBlocks tells whether attention with heads of such a size can write int8 activations: no two heads share a block.
func WholeBlocks(headDim int) bool { return headDim%format.Block == 0 }

// factor is x as a matmul with w reads it: its int8 activations or halves are zero when that is the floats.
func (r *Recorder) factor(w Matrix, x Tensor) Tensor {
	if !x.Int8.IsZero() && !r.k.CanInt8(w.Format, x.Rows) {
		x.Int8 = vk.Span{}
	}
	return r.halved(w, x)
}

// factor is the span that a matmul reads of x, vectors the number of vectors of 16 bytes in a row of it.
func (t Tensor) factor() vk.Span {
	switch {
	case !t.halves.IsZero():
		return t.halves
	case !t.Int8.IsZero():
		return t.Int8
	}
	return t.Span
}

func (t Tensor) vectors() uint32 {
	switch {
	case !t.halves.IsZero():
		return uint32(t.halves.Size() / uint64(t.Rows) / 16)
	case !t.Int8.IsZero():
		return uint32(int8Row(t.Stride) / 16)
	}
	return uint32(t.Stride / 4)
}

// withInt8 adds what a norm that writes y also writes, and names the kernel.
func (r *Recorder) withInt8(name string, y Tensor, bind ...vk.Span) (string, []vk.Span) {
	if y.Int8.IsZero() || r.k.Subgroup == 0 {
		return name, bind
	}
	return name + "_quantize", append(bind, y.Int8)
}

// int8Spans is the number of spans that the largest kernel with int8 activations binds.
const int8Spans = 10

func ruleInt8(t *Tuning) string {
	switch {
	case !t.caps.IntegerDot:
		return "the device has no integer dot product"
	case t.caps.MaxStorageBuffers < int8Spans:
		return fmt.Sprintf("the device binds %d buffers, the kernels %d", t.caps.MaxStorageBuffers, int8Spans)
	case t.Subgroup == 0:
		return "there are no kernels without subgroups"
	}
	t.Int8 = true
	return "the device has integer dot products"
}

// pays goes by what the device says, and on CPU devices by what was measured there: time with floats over time with 8
// bits, for 1, 2, 4, 8 and 16 rows at 5280 columns (BenchmarkInt8).
//
//	lavapipe     q8_0  1.48 1.33 1.29 1.18 1.18   q4_0  1.60 1.59 1.48 1.42 1.36
//	SwiftShader  q8_0  1.38 1.31 0.70 0.66 0.67   q4_0  1.31 1.27 0.64 0.64 0.65
//
// SwiftShader works a dot out byte by byte, once for each pair of rows, while floats share the unpacked weights among four
// rows of x. In q8_0 decoding gains about what a prompt loses, and there is more of it; in q4_0 it gains less.
func (t *Tuning) pays(field *bool, measured bool) string {
	fast := t.caps.IntegerDotAccelerated || t.caps.IntegerDotMixed
	*field = t.Int8 && (t.opt.Activations == Int8Activations || t.opt.Activations == AutoActivations && (fast || measured))
	switch {
	case !t.Int8:
		return "see int8"
	case t.opt.Activations != AutoActivations:
		return asked
	case fast:
		return "the device says that it is fast at them"
	case measured:
		return "measured on this driver"
	}
	return "nothing says that it pays"
}

// lavapipe takes a dot apart; multiplications do without it there: dots took 1.3 times as long in q4_0 for 8 and 16 rows, 1.1
// times in q8_0. Units of whole blocks were no faster for q8_0.
func ruleDot(t *Tuning) string {
	switch {
	case t.opt.Dot != 0:
		t.Dot = t.opt.Dot
		return asked
	case t.caps.IntegerDotMixed && !t.caps.IntegerDotAccelerated:
		t.Dot = MixedDot
		return "the device is fast at signed times unsigned bytes alone"
	case t.caps.IntegerDotAccelerated || !t.Texels:
		t.Dot = SignedDot
		return "as the device has it"
	}
	return "the driver takes dots apart"
}

// CanInt8 tells whether a matmul of so many rows of x with weights of that format can take int8 activations; of more in tiles, as int8 tiles has it.
func (t Tuning) CanInt8(f format.Type, rows int) bool {
	return t.Int8 && f.Blocked() && (rows <= t.GEMVRows || t.Int8Tiles)
}

// PaysInt8 tells whether it should. It does not go by the number of rows as long as they are taken as GEMV, or tiles take int8 too, so that a row's
// result does not depend on how many share the pass.
func (t Tuning) PaysInt8(f format.Type, rows int) bool {
	return t.CanInt8(f, rows) && (f == format.Q8_0 && t.Int8Q8 || f == format.Q4_0 && t.Int8Q4)
}

// CanWriteInt8 tells whether attention and swiglu can write int8 activations: a block of swiglu's comes from several workgroups.
func (t Tuning) CanWriteInt8() bool { return t.Int8 && t.Arrivals }

// ruleInt8Written goes by what was measured: CPU time of floats over int8 after attention and swiglu, models cut to a layer.
//
//	                                prompt of 64             decoding
//	lavapipe of Mesa 26.2  Nanbeige  q8_0 1.13  q4_0 1.46    q8_0 1.10  q4_0 1.01
//	                       HRM-Text  q8_0 1.06  q4_0 1.33    q8_0 1.04  q4_0 1.06
//	lavapipe of Mesa 22.3  Nanbeige  q8_0 1.00  q4_0 1.21    q8_0 1.01  q4_0 1.10
//	SwiftShader            HRM-Text  q8_0 0.91               q8_0 1.05
func ruleInt8Written(t *Tuning) string {
	asks := t.opt.Activations == Int8Activations
	switch {
	case !t.Int8:
		return "see int8"
	case !t.Arrivals:
		return "see arrivals"
	case t.Fixed && !asks:
		return "fixed kernels take int8 activations row by row, which costs prompts more than it saves"
	}
	if t.Int8Written = true; asks {
		return asked
	}
	return "products take them as they take the norms'"
}

// WritesInt8 tells whether attention and swiglu of so many rows should write int8 activations for a product with weights of that
// format.
func (t Tuning) WritesInt8(f format.Type, rows int) bool { return t.Int8Written && t.PaysInt8(f, rows) }
