// Package gguf reads and writes GGUF files, version 3, of the kind that Muninn makes: metadata, then tensors in order, nothing
// between or after them but padding. The reader takes files from strangers: what a file claims is compared with what it holds
// before anything is allocated or read. The writer shows a file under its name only when all of it is on the disk.
//
// The key ChecksumKey, which the writer adds, has a CRC-32C of the header and one of each tensor, so that a damaged file is
// noticed. To other programs it is one more key.
package gguf

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"

	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// Magic begins every file.
const Magic = "GGUF"

const version = 3

// ChecksumKey holds [1 + tensors] uint32: CRC-32C of the header, with this array taken as zeros, and of each tensor's bytes.
const ChecksumKey = "muninn.crc32c"

// Bounds on what is read. A file of Huginn's has 30 keys, 80 tensors, and arrays of 65 536 tokens and merges.
const (
	maxKeys       = 4096
	maxTensors    = 20_000
	maxNameBytes  = 1024
	maxArray      = 1 << 21 // elements
	maxHeader     = 1 << 28 // bytes of metadata and tensor table
	maxAlignment  = 1 << 16
	maxDims       = 4
	defaultAlign  = 32
	minKeyBytes   = 8 + 1 + 4 + 1         // length, a character, kind, a byte
	minInfoBytes  = 8 + 1 + 4 + 8 + 4 + 8 // length, a character, dimensions, one of them, type, offset
	bytesOfHeader = 4 + 4 + 8 + 8
)

// ErrNoSpace is wrapped when the disk is too full for a file.
var ErrNoSpace = errors.New("not enough space on the disk")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum adds p to a CRC-32C that began as 0.
func Checksum(sum uint32, p []byte) uint32 { return crc32.Update(sum, castagnoli, p) }

// Tensor is an entry of the tensor table.
type Tensor struct {
	Name   string
	Type   format.Type
	Dims   []uint64 // GGUF's order: the length of a row first
	Offset int64    // from the start of the file
	Bytes  int64
}

// measure is the tensor's size, by multiplications that notice when 64 bits are too few.
func (t *Tensor) measure() (uint64, error) {
	elements, bytes := t.Type.Block()
	switch {
	case elements == 0:
		return 0, fmt.Errorf("tensor %q: stored as %v, read are f32, f16, bf16, q8_0 and q4_0", strict.Clip(t.Name), t.Type)
	case len(t.Dims) == 0 || len(t.Dims) > maxDims:
		return 0, fmt.Errorf("tensor %q: %d dimensions, want 1 to %d", strict.Clip(t.Name), len(t.Dims), maxDims)
	case t.Dims[0]%uint64(elements) != 0:
		return 0, fmt.Errorf("tensor %q: rows of %d are not whole blocks of %d (%v)", strict.Clip(t.Name), t.Dims[0], elements, t.Type)
	}
	size := t.Dims[0] / uint64(elements)
	for i, dim := range t.Dims {
		if dim == 0 || dim > math.MaxInt32 {
			return 0, fmt.Errorf("tensor %q: dimensions %v, want each from 1 to %d", strict.Clip(t.Name), t.Dims, math.MaxInt32)
		}
		if i == 0 {
			dim = uint64(bytes)
		}
		high, low := bits.Mul64(size, dim)
		if high != 0 || low > math.MaxInt64/2 {
			return 0, fmt.Errorf("tensor %q: dimensions %v overflow 64 bits", strict.Clip(t.Name), t.Dims)
		}
		size = low
	}
	return size, nil
}

// Kind is the kind of a metadata value, by GGUF's numbers.
type Kind uint32

// The kinds of values.
const (
	Uint8 Kind = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
	kinds
)

// width is the bytes of a value of the kind, 0 where that varies.
func (k Kind) width() uint64 { return [kinds]uint64{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}[k] }

func (k Kind) String() string {
	return [kinds]string{"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array",
		"uint64", "int64", "float64"}[k]
}

func aligned(n, alignment uint64) uint64 { return (n + alignment - 1) / alignment * alignment }
