package weights

import (
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/shaders/format"
)

// Formats says which format a matrix takes on the device.
type Formats func(arch.TensorSpec) format.Type

// DeviceFormats are the formats that a scheme gives the matrices of a model whose tensors are stored in the given types.
// Where the scheme looks at the values of a tensor to choose between two types of 16 bits, the size is the same: nothing is read.
func DeviceFormats(s checkpoint.Scheme, c arch.Config, stored func(name string) format.Type) Formats {
	return func(spec arch.TensorSpec) format.Type {
		own := stored(spec.Name)
		switch d := s.Wanted(spec.Part, c.TieEmbeddings); {
		case d == "", d == checkpoint.Keep16 && own != format.F32:
			return own
		case d == checkpoint.Keep16:
			return format.F16
		default:
			return d
		}
	}
}
