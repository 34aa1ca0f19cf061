package ref

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// trial is the running of one case: operands on the device, then the operation once for each set of kernels.
type trial struct {
	ctx      context.Context
	dev      *vk.Device
	choices  []shaders.Options
	kernels  []*shaders.Kernels // of each choice
	vecRows  int                // the choices' largest
	c        Case
	arena    *vk.Arena
	operands []*operand
	seen     map[string]bool // sets of kernels that have run
	running  func(kernels string)
	results  []Result
	err      error // the first error while operands are made

	// vectorsOnly leaves out choices of kernels that take several rows otherwise than as GEMV.
	vectorsOnly bool
	// needs, where it is given, leaves out kernels that cannot run the case.
	needs func(*shaders.Kernels) bool
}

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

func (t *trial) fail(err error) {
	if t.err == nil && err != nil {
		t.err = err
	}
}

// buffer puts content on the device between guards. written says that the operation writes there.
func (t *trial) buffer(name string, content []byte, written bool) *operand {
	o := &operand{name: name, written: written, lo: guardBytes, hi: guardBytes + len(content)}
	n := (len(content) + guardBytes - 1) / guardBytes * guardBytes
	o.start = binary.LittleEndian.AppendUint32(nil, guardWord)
	o.start = bytes.Repeat(o.start, (n+2*guardBytes)/4)
	copy(o.start[guardBytes:], content)
	o.now = make([]byte, len(o.start))
	if t.err != nil {
		return o
	}
	var err error
	if o.whole, err = t.arena.Alloc(uint64(len(o.start))); err != nil {
		t.fail(err)
		return o
	}
	o.data = o.whole.Slice(guardBytes, uint64(len(content)))
	t.operands = append(t.operands, o)
	return o
}

// values are the data after a run.
func (o *operand) values() []byte { return o.now[o.lo:o.hi] }

// block is a span that is not ours to put guards around, such as a shard: the same checks on its data alone.
func (t *trial) block(name string, s vk.Span, content []byte, written bool) *operand {
	o := &operand{name: name, whole: s, data: s, hi: len(content), written: written, start: content, now: make([]byte, len(content))}
	t.operands = append(t.operands, o)
	return o
}

// tensor is a tensor operand.
type tensor struct {
	*operand
	shaders.Tensor
}

func (t *trial) newTensor(name string, rows, cols int, content []byte, written bool) tensor {
	o := t.buffer(name, content, written)
	return tensor{o, shaders.Tensor{Span: o.data, Rows: rows, Cols: cols, Stride: shaders.Padded(cols)}}
}

// pack lays rows of cols values out as tensors are, padding with zeros.
func pack(x []float32, rows, cols int) []byte {
	var b []byte
	for r := range rows {
		b = appendFloats(b, x[r*cols:][:cols])
		b = append(b, make([]byte, 4*(shaders.Padded(cols)-cols))...)
	}
	return b
}

// input is a tensor [rows][cols] that the operation reads.
func (t *trial) input(name string, x []float32, rows, cols int) tensor {
	return t.newTensor(name, rows, cols, pack(x, rows, cols), false)
}

// inout is a tensor that the operation changes in place.
func (t *trial) inout(name string, x []float32, rows, cols int) tensor {
	return t.newTensor(name, rows, cols, pack(x, rows, cols), true)
}

// output is a tensor of NaN, padding included.
func (t *trial) output(name string, rows, cols int) tensor {
	nan := binary.LittleEndian.AppendUint32(nil, nanWord)
	return t.newTensor(name, rows, cols, bytes.Repeat(nan, rows*shaders.Padded(cols)), true)
}

// floats is a plain float32 buffer that the operation reads.
func (t *trial) floats(name string, x []float32) vk.Span {
	return t.buffer(name, appendFloats(nil, x), false).data
}

// words is a plain uint32 buffer that the operation reads.
func (t *trial) words(name string, x []uint32) vk.Span {
	b, _ := binary.Append(nil, binary.LittleEndian, x) // fixed-size elements cannot fail
	return t.buffer(name, b, false).data
}

// rows is a row table.
func (t *trial) rows(list []shaders.Row, written bool) (shaders.Rows, *operand) {
	b, _ := binary.Append(nil, binary.LittleEndian, list)
	o := t.buffer("row table", b, written)
	return shaders.Rows{Span: o.data, N: len(list)}, o
}

// readBack is the largest matrix whose contents are compared after a run.
const readBack = 16 << 20

// matrix is a weight matrix in shards of at most limit bytes (0: the device's own). row writes the values of row i.
func (t *trial) matrix(name string, rows, cols int, f format.Type, limit uint64, row func(i int, dst []float32)) shaders.Matrix {
	if limit == 0 {
		limit = t.dev.Caps().ShardLimit()
	}
	t.buffer("guard before "+name, nil, false)
	if t.err != nil {
		return shaders.Matrix{}
	}
	m, err := shaders.NewMatrix(t.arena, rows, cols, f, limit)
	if err != nil {
		t.fail(err)
		return m
	}
	padded := make([]float32, f.Padded(cols))
	for i := range m.Shards {
		s := &m.Shards[i]
		keep := s.Bind.Size() <= readBack
		var weights, scales []byte
		const some = 256 // rows written at once, so that a large shard is never held whole
		for first := 0; first < s.Rows; first += some {
			var b, d []byte
			for i := first; i < min(first+some, s.Rows); i++ {
				row(s.Row0+i, padded[:cols])
				b, d = appendFormat(b, d, padded, f)
			}
			if keep {
				weights, scales = append(weights, b...), append(scales, d...)
				continue
			}
			t.write(s.Span, uint64(first)*m.RowBytes(), b)
			t.write(s.Scales, uint64(first)*m.ScaleRowBytes(), d)
		}
		if keep {
			halves := scales
			if f == format.F16 {
				halves = weights
			}
			s.Lift = lift(halves, f)
			t.block(name, s.Bind, append(weights, scales...), false)
		}
	}
	t.buffer("guard after "+name, nil, false)
	return m
}

// write puts bytes on the device at once, for operands that are not compared after a run.
func (t *trial) write(s vk.Span, off uint64, b []byte) {
	if t.err == nil && len(b) > 0 {
		t.fail(t.dev.Write(s.Slice(off, uint64(len(b))), b))
	}
}

// check records the operation with each choice of kernels, runs those that give a set of kernels not run before, and
// has compare look at the operands.
func (t *trial) check(record func(*shaders.Recorder), compare func(*verdict)) {
	for i, k := range t.kernels {
		if t.err != nil && len(t.results) > 0 {
			return // every choice would report the same
		}
		if t.vectorsOnly && t.choices[i].VecRows < t.vecRows || t.needs != nil && !t.needs(k) {
			continue
		}
		if r, ok := t.once(k, record, compare); ok {
			t.results = append(t.results, r)
		}
	}
}

// once runs the operation with one choice of kernels; false when that set of kernels has run already.
func (t *trial) once(k *shaders.Kernels, record func(*shaders.Recorder), compare func(*verdict)) (Result, bool) {
	r := Result{Op: t.c.Op, Case: t.c.Name, Limit: t.c.Limit}
	if r.Err = t.err; r.Err != nil {
		return r, true
	}
	rec := k.Record("ref")
	record(rec)
	prog, err := rec.End()
	if err != nil {
		r.Err = err
		return r, true
	}
	defer prog.Free()
	r.Kernel = kernelNames(prog)
	if t.seen[r.Kernel] {
		return r, false
	}
	t.seen[r.Kernel] = true
	if t.running != nil {
		t.running(r.Kernel)
	}
	if r.Err = t.execute(prog); r.Err != nil {
		return r, true
	}
	v := &verdict{limit: t.c.Limit}
	for _, o := range t.operands {
		v.untouched(o)
	}
	compare(v)
	r.NMSE, r.MaxAbs, r.OK, r.Detail = v.nmse, v.maxAbs, len(v.problems) == 0, strings.Join(v.problems, "; ")
	return r, true
}

func (t *trial) execute(prog *vk.Program) error {
	for _, o := range t.operands {
		if err := t.dev.Write(o.whole, o.start); err != nil {
			return fmt.Errorf("writing %s: %w", o.name, err)
		}
	}
	if err := t.dev.Run(t.ctx, vk.RunOptions{}, prog); err != nil {
		return err
	}
	for _, o := range t.operands {
		if err := t.dev.Read(o.whole, o.now); err != nil {
			return fmt.Errorf("reading %s: %w", o.name, err)
		}
	}
	return nil
}

// kernelNames lists a program's kernels, each once.
func kernelNames(prog *vk.Program) string {
	names := slices.Sorted(slices.Values(prog.Kernels()))
	return strings.Join(slices.Compact(names), " ")
}

func appendFloats(b []byte, x []float32) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func floatsOf(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}
