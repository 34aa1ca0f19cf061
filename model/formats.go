package model

import "muninn/shaders"

// Formats says which format a matrix takes on the device.
type Formats func(TensorSpec) shaders.Format

// DeviceFormats are the formats of a model whose tensors are stored in the given types, when quant is asked for; nil: as
// stored. In the block formats the adapter keeps 16 bits, as it carries most of the error, and embedding and head 8.
func DeviceFormats(quant *shaders.Format, stored func(name string) DType) Formats {
	return func(spec TensorSpec) shaders.Format {
		own := asStored(stored(spec.Name))
		switch {
		case quant == nil:
			return own
		case !quant.Blocked():
			return *quant
		case spec.Part == PartAdapter && own == shaders.F16:
			return shaders.F16
		case spec.Part == PartAdapter:
			return shaders.BF16
		case spec.Part == PartEmbedding || spec.Part == PartHead:
			return shaders.Q8_0
		}
		return *quant
	}
}

// Stored is the element type of a tensor of the checkpoint.
func (ck *Checkpoint) Stored(name string) DType {
	info, _ := ck.Tensor(name)
	return info.DType
}
