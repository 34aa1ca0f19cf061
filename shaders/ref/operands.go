package ref

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// operand is a buffer of the operation between guard bands.
type operand struct {
	name    string
	whole   vk.Span // guard, data, guard
	data    vk.Span
	lo, hi  int    // where the data begins and ends in whole, bytes
	start   []byte // whole before a run
	now     []byte // whole after a run
	written bool   // the kernel may write the data; else it must not change
}

const (
	guardBytes = 1024
	guardWord  = 0xA5C3E187
	nanWord    = 0x7FC0BEEF // a quiet NaN that no arithmetic yields: an element left alone
)

// before and values are the data before and after a run.
func (o *operand) before() []byte { return o.start[o.lo:o.hi] }
func (o *operand) values() []byte { return o.now[o.lo:o.hi] }

// buffer puts content on the device between guards. written says that the operation writes there.
func (t *trial) buffer(name string, content []byte, written bool) *operand {
	o := &operand{name: name, written: written, lo: guardBytes, hi: guardBytes + len(content)}
	n := (len(content) + guardBytes - 1) / guardBytes * guardBytes
	o.start = bytes.Repeat(binary.LittleEndian.AppendUint32(nil, guardWord), (n+2*guardBytes)/4)
	copy(o.start[guardBytes:], content)
	o.now = make([]byte, len(o.start))
	if t.err != nil {
		return o
	}
	if o.whole, t.err = t.arena.Alloc(uint64(len(o.start))); t.err != nil {
		return o
	}
	o.data = o.whole.Slice(guardBytes, uint64(len(content)))
	t.operands = append(t.operands, o)
	return o
}

// blank is a buffer of n bytes that the operation writes.
func (t *trial) blank(name string, n int) *operand {
	return t.buffer(name, bytes.Repeat([]byte{0xEE}, n), true)
}

// block is a span that is not ours to put guards around, such as a shard: the same checks on its data alone.
func (t *trial) block(name string, s vk.Span, content []byte, written bool) *operand {
	o := &operand{name: name, whole: s, data: s, hi: len(content), written: written, start: content, now: make([]byte, len(content))}
	t.operands = append(t.operands, o)
	return o
}

// packed is a list as the device reads it, so many bytes each.
func packed[T interface{ Put([]byte) }](list []T, size int) []byte {
	b := make([]byte, len(list)*size)
	for i, x := range list {
		x.Put(b[i*size:])
	}
	return b
}

// floats is a plain float32 buffer that the operation reads; of nil none.
func (t *trial) floats(name string, x []float32) vk.Span {
	if x == nil {
		return vk.Span{}
	}
	return t.buffer(name, appendFloats(nil, x), false).data
}

// words is a plain uint32 buffer that the operation reads.
func (t *trial) words(name string, x []uint32) vk.Span {
	b, _ := binary.Append(nil, binary.LittleEndian, x) // fixed-size elements cannot fail
	return t.buffer(name, b, false).data
}

// rows is a row table.
func (t *trial) rows(list []shaders.Row, written bool) (shaders.Rows, *operand) {
	o := t.buffer("row table", packed(list, shaders.RowBytes), written)
	return shaders.Rows{Span: o.data, N: len(list)}, o
}

// tensor is a tensor operand.
type tensor struct {
	*operand
	shaders.Tensor
	x      []float32 // its values before a run
	quants *operand  // int8 activations that the operation writes beside the values; nil: none
	padded bool      // the operation writes whole padded rows; else it leaves the padding alone
}

// input is a tensor (.., cols) that the operation reads.
func (t *trial) input(name string, x []float32, cols int) tensor {
	return t.tensor(name, x, cols, false)
}

// inout is a tensor that the operation changes in place.
func (t *trial) inout(name string, x []float32, cols int) tensor {
	return t.tensor(name, x, cols, true)
}

// tensor lays rows of cols values out as tensors are, padding with zeros.
func (t *trial) tensor(name string, x []float32, cols int, written bool) tensor {
	var b []byte
	stride, rows := shaders.Padded(cols), len(x)/cols
	for r := range rows {
		b = appendFloats(b, x[r*cols:][:cols])
		b = append(b, make([]byte, 4*(stride-cols))...)
	}
	o := t.buffer(name, b, written)
	return tensor{operand: o, Tensor: shaders.Tensor{Span: o.data, Rows: rows, Cols: cols, Stride: stride}, x: x}
}

// output is a tensor of NaN, padding included.
func (t *trial) output(name string, rows, cols int) tensor {
	y := t.inout(name, filler(rows*shaders.Padded(cols)), shaders.Padded(cols))
	y.Cols = cols
	return y
}

// filler is what must not be read: reading it shows.
func filler(n int) []float32 { return slices.Repeat([]float32{math.Float32frombits(nanWord)}, n) }

func appendFloats(b []byte, x []float32) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, x) // fixed-size elements cannot fail
	return b
}

func floatsOf(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	format.F32.Decode(x, b)
	return x
}

func wordsOf(b []byte) []uint32 {
	x := make([]uint32, len(b)/4)
	_, _ = binary.Decode(b, binary.LittleEndian, x)
	return x
}
