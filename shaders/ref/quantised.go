package ref

import (
	"encoding/binary"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
)

// Quantise is a row in blocks of 8 bits, as lib/quantise.glsl makes them. Every step is exact or correctly rounded in
// float32, so a device must give the same bits.
func Quantise(x []float32) (q []int8, scales []float32) {
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

// appendQuantised lays a quantised row out as kernels read it.
func appendQuantised(b []byte, q []int8, scales []float32) []byte {
	for _, v := range q {
		b = append(b, byte(v))
	}
	b = appendFloats(b, scales)
	for range scales {
		b = binary.LittleEndian.AppendUint32(b, nanWord) // room unused
	}
	return b
}

// quantised gives x, which it quantises, the rows in 8 bits, and returns the values that those stand for.
func (t *trial) quantised(x *tensor, values []float32) []float32 {
	padded := make([]float32, x.Stride)
	var b []byte
	var back []float32
	for n := range x.Rows {
		copy(padded, values[n*x.Cols:][:x.Cols])
		q, scales := Quantise(padded)
		b = appendQuantised(b, q, scales)
		for i := range x.Cols {
			back = append(back, float32(q[i])*scales[i/format.Block]) // exact: 7 bits times 15
		}
	}
	x.Quant = t.buffer(x.name+" in 8 bits", b, false).data
	return back
}

// room gives an output room for its rows in 8 bits, filled with NaN.
func (t *trial) room(y *tensor) *operand {
	var b []byte
	for range shaders.QuantBytes(y.Rows, y.Cols) / 4 {
		b = binary.LittleEndian.AppendUint32(b, nanWord)
	}
	o := t.buffer(y.name+" in 8 bits", b, true)
	y.Quant = o.data
	return o
}

// inBits compares the rows in 8 bits that a norm wrote with those that its own floats quantise to.
func (v *verdict) inBits(y tensor, o *operand) {
	floats, got := floatsOf(y.values()), o.values()
	row := len(got) / y.Rows
	padded := make([]float32, y.Stride)
	for n := range y.Rows {
		copy(padded, floats[n*y.Stride:][:y.Cols])
		q, scales := Quantise(padded)
		for i, b := range appendQuantised(nil, q, scales) {
			if g := got[n*row+i]; g != b {
				v.fail("%s in 8 bits: byte %d of row %d is %d, want %d", y.name, i, n, g, b)
				break
			}
		}
	}
}

// int8Cases are those of products that take x in 8 bits.
func int8Cases(op string, salt int, run func(*trial, productSize)) []Case {
	var list []Case
	for _, s := range productSizes(salt) {
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

// int8Norms are cases of a norm that also writes its rows in 8 bits.
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

// unwritten is an output of NaN whose padding is zero, as in a session: rows in 8 bits are made of whole blocks.
func (t *trial) unwritten(name string, rows, cols int) tensor {
	nan := math.Float32frombits(nanWord)
	return t.inout(name, slices.Repeat([]float32{nan}, rows*cols), rows, cols)
}
