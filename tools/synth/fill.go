package main

import (
	"encoding/binary"
	"sync"

	"github.com/nlpodyssey/safetensors"

	"muninn/model/arch"
	"muninn/shaders/format"
)

// tensor is a tensor of a plan as the library asks for it; it is made when it is written.
type tensor struct {
	plan *plan
	arch.TensorSpec
}

func (t tensor) DType() safetensors.DType { return t.plan.dtype.file }

func (t tensor) DataLen() uint64 { return uint64(t.plan.dtype.Bytes(t.Elements())) }

func (t tensor) Shape() (shape []uint64) {
	for _, n := range t.TensorSpec.Shape {
		shape = append(shape, uint64(n))
	}
	return shape
}

// pieceElements is how many elements one goroutine makes: 2 to 4 MiB of file.
const pieceElements = 1 << 20

// Data makes the tensor's bytes, by all cores at once.
func (t tensor) Data() []byte {
	src := newSource(t.plan.config, t.TensorSpec, t.plan.dtype.Type, t.plan.seed)
	data := make([]byte, t.DataLen())
	var workers sync.WaitGroup
	for first, rest := int64(0), data; len(rest) > 0; first += pieceElements {
		part := rest[:min(pieceElements*src.size, len(rest))]
		rest = rest[len(part):]
		workers.Go(func() { src.fill(part, first) })
	}
	workers.Wait()
	return data
}

// source makes the stored bytes of one tensor, any part of it on its own. Element n takes the sixteen bits n%4 of random
// word n/4 and looks them up in a table.
type source struct {
	key   uint64
	size  int    // bytes of an element
	cols  int64  // elements of a row
	left  []byte // the stored form of each of 65536 elements
	right []byte // those of the second half of each row
}

func newSource(c arch.Config, t arch.TensorSpec, dtype format.Type, seed uint64) *source {
	left, right := recipe(c, t.Role)
	cols := int64(t.Shape[len(t.Shape)-1])
	return &source{key: key(seed, t.Name), size: dtype.Size(), cols: cols, left: left.table(dtype), right: right.table(dtype)}
}

// fill makes the elements from first on; dst holds a whole number of them.
func (s *source) fill(dst []byte, first int64) {
	col, bits := first%s.cols, word(s.key, first/4)>>(first%4*16)
	for n := first; len(dst) > 0; n++ {
		if n%4 == 0 {
			bits = word(s.key, n/4)
		}
		table := s.left
		if col >= s.cols/2 {
			table = s.right
		}
		if at := int(uint16(bits)) * s.size; s.size == 2 {
			binary.LittleEndian.PutUint16(dst, binary.LittleEndian.Uint16(table[at:]))
		} else {
			binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(table[at:]))
		}
		dst, bits = dst[s.size:], bits>>16
		if col++; col == s.cols {
			col = 0
		}
	}
}
