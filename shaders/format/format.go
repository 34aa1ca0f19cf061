// Package format is what is known of the formats that weights are stored in, in files and on a device.
package format

import (
	"fmt"
	"slices"
	"strings"
)

// Type is a weight format, named as on the command line and in the kernels' names. A file may have types that are no weight
// format: Known tells.
type Type string

// The weight formats. Those in blocks share a half-precision scale among Block weights along a row.
const (
	F32  Type = "f32"
	F16  Type = "f16"  // IEEE half precision
	BF16 Type = "bf16" // upper half of a float32
	Q8_0 Type = "q8_0" // scale times an integer of -127 to 127
	Q4_0 Type = "q4_0" // scale times an integer of -8 to 7
)

// Block is the number of weights that share a scale in the formats with blocks.
const Block = 32

// ScaleBytes is the size of a block's scale.
const ScaleBytes = 2

// layouts say how many elements are stored together, their bytes without a scale, and GGUF's number of the type.
var layouts = map[Type]struct {
	elements, bytes int
	gguf            uint32
}{
	F32: {1, 4, 0}, F16: {1, 2, 1}, BF16: {1, 2, 30}, Q8_0: {Block, Block, 8}, Q4_0: {Block, Block / 2, 2},
}

// Types lists the weight formats, those in blocks last.
func Types() []Type { return []Type{F32, F16, BF16, Q8_0, Q4_0} }

// InFile is the type that safetensors headers and GGUF files call so: a weight format or not.
func InFile(name string) Type { return Type(strings.ToLower(name)) }

// FileName is the type's name in safetensors headers and GGUF files.
func (t Type) FileName() string { return strings.ToUpper(string(t)) }

// FromGGUF is the type of a number in a GGUF file; one that is no weight format becomes "type N".
func FromGGUF(n uint32) Type {
	for _, t := range Types() {
		if layouts[t].gguf == n {
			return t
		}
	}
	return Type(fmt.Sprint("type ", n))
}

// GGUF is the number of a weight format in GGUF files.
func (t Type) GGUF() uint32 { return layouts[t].gguf }

// String is the type's name.
func (t Type) String() string { return string(t) }

// Known tells whether it is a weight format.
func (t Type) Known() bool { return slices.Contains(Types(), t) }

// Blocked tells whether blocks of weights share a scale.
func (t Type) Blocked() bool { return layouts[t].elements > 1 }

// Block returns the number of elements that are stored together and their bytes, a scale among them; 0, 0 for an unknown type.
func (t Type) Block() (elements, bytes int) {
	l := layouts[t]
	if t.Blocked() {
		l.bytes += ScaleBytes
	}
	return l.elements, l.bytes
}

// Size is the size of one element in bytes; 0 for an unknown type and for one in blocks.
func (t Type) Size() int {
	if t.Blocked() {
		return 0
	}
	return layouts[t].bytes
}

// Bytes is the stored size of n elements, whole blocks of them; 0 for an unknown type.
func (t Type) Bytes(n int64) int64 {
	elements, bytes := t.Block()
	return n / int64(max(elements, 1)) * int64(bytes)
}

// Elements is the number of elements in n stored bytes; 0 for an unknown type.
func (t Type) Elements(n int64) int64 {
	elements, bytes := t.Block()
	return n / int64(max(bytes, 1)) * int64(elements)
}

// Padded is the length of a row of cols weights on the device: rows are padded with zeros to whole pairs of blocks, or to 8
// weights.
func (t Type) Padded(cols int) int {
	to := 8
	if t.Blocked() {
		to = 2 * Block
	}
	return (cols + to - 1) / to * to
}

// PlaneBytes is what n weights of a padded row take on the device, where scales are kept apart.
func (t Type) PlaneBytes(n int) int { return n / layouts[t].elements * layouts[t].bytes }
