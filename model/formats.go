package model

import "muninn/shaders"

// Formats says which format a matrix takes on the device.
type Formats func(TensorSpec) shaders.Format

// DeviceFormats are the formats that a scheme gives the matrices of a model whose tensors are stored in the given types.
// Where the scheme looks at the values of a tensor to choose between two types of 16 bits, the size is the same: nothing is read.
func DeviceFormats(s Scheme, c Config, stored func(name string) DType) Formats {
	return func(spec TensorSpec) shaders.Format {
		own := stored(spec.Name)
		switch d := s.wanted(spec.Part, c.TieEmbeddings); {
		case d == "", d == keep16 && own != F32:
			return deviceFormat(own)
		case d == keep16:
			return shaders.F16
		default:
			return deviceFormat(d)
		}
	}
}

// DeviceFormat is a type of stored weights as the device has it.
func DeviceFormat(d DType) shaders.Format { return deviceFormat(d) }

// Stored is the element type of a tensor of the checkpoint.
func (ck *Checkpoint) Stored(name string) DType {
	info, _ := ck.Tensor(name)
	return info.DType
}
