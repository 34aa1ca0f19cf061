package engine

import (
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine/weights"
	"muninn/model/internal/strict"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// Random is a model of a shape with random weights of the size that training leaves, made on the device without a file. It
// says nothing, at the speed of a real one. As stored means bf16. Prelude and coda may be empty, which leaves the core block.
func Random(c arch.Config, scheme checkpoint.Scheme, dev *vk.Device) (*Model, error) {
	if err := CheckShape(c); err != nil {
		return nil, err
	}
	if err := scheme.Check(c); err != nil {
		return nil, err
	}
	m := &Model{Config: c, dev: dev, eps: float32(c.NormEps)}
	r := weights.RandomFiller{Dev: dev}
	return m, m.fill(weights.DeviceFormats(scheme, c, RandomStored), shaders.Options{}, r.Load)
}

// RandomStored is the type that Random takes its tensors to be stored in.
func RandomStored(string) format.Type { return format.BF16 }

// CheckShape checks a shape that comes from no file.
func CheckShape(c arch.Config) error {
	switch {
	case c.NEmbd < 2 || c.NEmbd > arch.MaxEmbd || c.IntermediateSize < 1 || c.IntermediateSize > arch.MaxInner || c.PaddedVocabSize < 1 || c.PaddedVocabSize > arch.MaxVocab:
		return strict.Unusable("shape: width %d, mlp %d, vocabulary %d: want up to %d, %d, %d", c.NEmbd, c.IntermediateSize, c.PaddedVocabSize, arch.MaxEmbd, arch.MaxInner, arch.MaxVocab)
	case c.NHeads < 1 || c.NEmbd != c.NHeads*c.HeadDim || c.HeadDim%2 != 0 || c.HeadDim > shaders.MaxHeadDim:
		return strict.Unusable("shape: width %d over %d heads: want an even head size up to %d", c.NEmbd, c.NHeads, shaders.MaxHeadDim)
	case c.NLayersInPrelude < 0 || c.NLayersInCoda < 0 || c.NLayersInRecurrentBlock < 1 || max(c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda) > arch.MaxLayers:
		return strict.Unusable("shape: layers %d, %d, %d: want 0 to %d of prelude and coda, 1 to %d of the core", c.NLayersInPrelude,
			c.NLayersInRecurrentBlock, c.NLayersInCoda, arch.MaxLayers, arch.MaxLayers)
	case c.BlockSize < 1 || c.BlockSize > arch.MaxBlockSize || c.MeanRecurrence < 1 || c.MeanRecurrence > arch.MaxRecur || !(c.NormEps > 0) || !(c.RopeBase > 1):
		return strict.Unusable("shape: block_size %d, mean_recurrence %d, norm_eps %g, rope_base %g: out of range", c.BlockSize, c.MeanRecurrence, c.NormEps, c.RopeBase)
	}
	return nil
}
