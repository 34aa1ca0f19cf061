package ref

import (
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
)

// named is the name of a case, which tells of int8 activations.
func named(int8 bool, name string) string {
	if int8 {
		return "int8 " + name
	}
	return name
}

// quantize is a row in int8 blocks, as lib/quantize.glsl makes them. Every step is exact or correctly rounded in
// float32, so a device must give the same bits.
func quantize(x []float32) (q []int8, scales []float32) {
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
	return appendFloats(appendFloats(b, scales), filler(len(scales))) // room unused
}

// quantize gives x int8 activations, and makes its values those that they stand for.
func (t *trial) quantize(x *tensor) {
	var b []byte
	row := make([]float32, x.Stride)
	for n := range x.Rows {
		copy(row, x.x[n*x.Cols:][:x.Cols])
		q, scales := quantize(row)
		b = appendInt8(b, q, scales)
		for i := range x.Cols {
			x.x[n*x.Cols+i] = float32(q[i]) * scales[i/format.Block] // exact: 7 bits times 15
		}
	}
	x.Int8 = t.buffer(x.name+" in int8", b, false).data
}

// normed is an output of a norm, NaN, with room for int8 activations if the case has them. Its padding is zero, as in a session: int8
// activations are made of whole blocks.
func (t *trial) normed(name string, s normSize) tensor {
	y := t.inout(name, filler(s.n*s.d), s.d)
	if s.int8 {
		t.needs = func(k *shaders.Kernels) bool { return k.CanInt8(format.Q8_0, 1) }
		t.int8(&y, filler(int(shaders.Int8Bytes(s.n, s.d))/4))
	}
	return y
}

// int8 gives y room for int8 activations, with what is there before.
func (t *trial) int8(y *tensor, start []float32) {
	y.quants = t.buffer(y.name+" in int8", appendFloats(nil, start), true)
	y.Int8 = y.quants.data
}

// written is an output of attention or swiglu, with room for int8 activations if it is to write them. Those begin as zeros, as in a
// session: padding is not written, and the room behind the scales counts.
func (t *trial) written(name string, n, d int, int8 bool) tensor {
	if !int8 {
		return t.output(name, n, d)
	}
	y := t.inout(name, filler(n*d), d)
	more := t.needs
	t.needs = func(k *shaders.Kernels) bool { return k.CanWriteInt8() && (more == nil || more(k)) }
	t.int8(&y, make([]float32, shaders.Int8Bytes(n, d)/4))
	return y
}

// int8s compares int8 activations with those that the floats beside them quantize to, and the room behind them with what was there.
func (v *verdict) int8s(y tensor) {
	floats, got := floatsOf(y.values()), y.quants.values()
	row := len(got) / y.Rows
	padded := make([]float32, y.Stride)
	for n := range y.Rows {
		copy(padded, floats[n*y.Stride:][:y.Cols])
		q, scales := quantize(padded)
		want, room := appendInt8(nil, q, scales), row-len(scales)*4
		copy(want[room:], y.quants.before()[n*row+room:][:row-room])
		for i, b := range want {
			if g := got[n*row+i]; g != b {
				v.fail("%s: byte %d of row %d is %d, want %d", y.quants.name, i, n, g, b)
				break
			}
		}
	}
}
