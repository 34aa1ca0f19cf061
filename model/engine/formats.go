package engine

import (
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/shaders"
)

// Formats says which format a matrix takes on the device.
type Formats func(arch.TensorSpec) shaders.Format

// DeviceFormats are the formats that a scheme gives the matrices of a model whose tensors are stored in the given types.
// Where the scheme looks at the values of a tensor to choose between two types of 16 bits, the size is the same: nothing is read.
func DeviceFormats(s checkpoint.Scheme, c arch.Config, stored func(name string) checkpoint.DType) Formats {
	return func(spec arch.TensorSpec) shaders.Format {
		own := stored(spec.Name)
		switch d := s.Wanted(spec.Part, c.TieEmbeddings); {
		case d == "", d == checkpoint.Keep16 && own != checkpoint.F32:
			return deviceFormat(own)
		case d == checkpoint.Keep16:
			return shaders.F16
		default:
			return deviceFormat(d)
		}
	}
}

// DeviceFormat is a type of stored weights as the device has it.
func DeviceFormat(d checkpoint.DType) shaders.Format { return deviceFormat(d) }
