package ref

import (
	"encoding/binary"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
)

// Quantize is a row in int8 blocks, as lib/quantize.glsl makes them. Every step is exact or correctly rounded in
// float32, so a device must give the same bits.
func Quantize(x []float32) (q []int8, scales []float32) {
	for ; len(x) > 0; x = x[format.Block:] {
		top := 0.0
		for _, v := range x[:format.Block] {
			top = max(top, math.Abs(float64(v)))
		}
		scale := math.Float32frombits(math.Float32bits(float32(top)*float32(1.0/127)) &^ 0x1FF)
		if top < 0x1p-100 {
			scale = 0
		}
		scales = append(scales, scale)
		for _, v := range x[:format.Block] {
			n := 0.0
			if scale != 0 {
				n = math.Round(float64(v) / float64(scale)) // ties away from zero
			}
			q = append(q, int8(n))
		}
	}
	return q, scales
}

// appendInt8 lays a quantized row out as kernels read it.
func appendInt8(b []byte, q []int8, scales []float32) []byte {
	for _, v := range q {
		b = append(b, byte(v))
	}
	b = appendFloats(b, scales)
	for range scales {
		b = binary.LittleEndian.AppendUint32(b, nanWord) // room unused
	}
	return b
}

// int8Input gives x, which it quantizes, int8 activations, and returns the values that those stand for.
func (t *trial) int8Input(x *tensor, values []float32) []float32 {
	padded := make([]float32, x.Stride)
	var b []byte
	var back []float32
	for n := range x.Rows {
		copy(padded, values[n*x.Cols:][:x.Cols])
		q, scales := Quantize(padded)
		b = appendInt8(b, q, scales)
		for i := range x.Cols {
			back = append(back, float32(q[i])*scales[i/format.Block]) // exact: 7 bits times 15
		}
	}
	x.Int8 = t.buffer(x.name+" in int8", b, false).data
	return back
}

// room gives an output room for its int8 activations, filled with NaN.
func (t *trial) room(y *tensor) *operand {
	var b []byte
	for range shaders.Int8Bytes(y.Rows, y.Cols) / 4 {
		b = binary.LittleEndian.AppendUint32(b, nanWord)
	}
	o := t.buffer(y.name+" in int8", b, true)
	y.Int8 = o.data
	return o
}

// int8s compares the int8 activations that a norm wrote with those that its own floats quantize to.
func (v *verdict) int8s(y tensor, o *operand) {
	floats, got := floatsOf(y.values()), o.values()
	row := len(got) / y.Rows
	padded := make([]float32, y.Stride)
	for n := range y.Rows {
		copy(padded, floats[n*y.Stride:][:y.Cols])
		q, scales := Quantize(padded)
		for i, b := range appendInt8(nil, q, scales) {
			if g := got[n*row+i]; g != b {
				v.fail("%s in int8: byte %d of row %d is %d, want %d", y.name, i, n, g, b)
				break
			}
		}
	}
}

// int8Cases are those of matmuls that take int8 activations.
func int8Cases(op string, salt int, run func(*trial, matmulSize)) []Case {
	var list []Case
	for _, s := range matmulSizes(salt) {
		if !s.format.Blocked() || s.n > mostVecRows {
			continue
		}
		list = append(list, Case{Op: op, Name: "int8 " + s.String(), Limit: 1e-9, Why: "whole numbers within a block, float32 across blocks",
			run: func(t *trial) {
				t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(s.format, s.n) }
				run(t, s)
			}})
	}
	return list
}

// int8Norms are cases of a norm that also writes int8 activations.
func int8Norms(op, kind string, salt int, run func(*trial, normSize)) []Case {
	list := normCases(op, salt, func(t *trial, s normSize) {
		t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(format.Q8_0, 1) }
		run(t, s)
	})
	for i := range list {
		list[i].Name = kind + "int8 " + list[i].Name
	}
	return list
}

// unwritten is an output of NaN whose padding is zero, as in a session: int8 activations are made of whole blocks.
func (t *trial) unwritten(name string, rows, cols int) tensor {
	nan := math.Float32frombits(nanWord)
	return t.inout(name, slices.Repeat([]float32{nan}, rows*cols), rows, cols)
}
