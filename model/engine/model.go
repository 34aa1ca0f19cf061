package engine

import (
	"fmt"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine/weights"
	"muninn/model/internal/strict"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// LoadOptions say how a model is loaded.
type LoadOptions struct {
	// Weights says which format each matrix takes on the device; by default as it is stored.
	Weights checkpoint.Scheme
	// Kernels fix choices that the device's Caps otherwise decide.
	Kernels shaders.Options
	// Progress is called as the weights stream to the device, with bytes of the checkpoint.
	Progress func(done, total int64)
}

// Model is a loaded checkpoint on a device. Any number of sessions can be made of it.
type Model struct {
	Config arch.Config
	checkpoint.Text

	dev     *vk.Device
	kernels *shaders.Kernels
	mem     *weights.Memory
	weights weights.Weights
	eps     float32
}

// Load copies an open checkpoint to the device. The checkpoint is not needed afterwards.
func Load(ck *checkpoint.Checkpoint, dev *vk.Device, o LoadOptions) (*Model, error) {
	c := ck.Config
	if c.HeadDim > shaders.MaxHeadDim {
		return nil, fmt.Errorf("%w: head size %d: the attention kernel serves up to %d", checkpoint.ErrModel, c.HeadDim, shaders.MaxHeadDim)
	}
	m := &Model{Config: c, dev: dev, eps: float32(c.NormEps)}
	var err error
	if m.Text, err = ck.Text(); err != nil {
		return nil, err
	}
	l := &weights.Loader{Ck: ck, Dev: dev, Progress: o.Progress}
	if err := m.fill(weights.CheckpointFormats(o.Weights, ck, &err), o.Kernels, l.Load); err != nil {
		return nil, err
	}
	return m, err
}

// fill allocates the weights and has load fill each. On an error nothing stays.
func (m *Model) fill(formats weights.Formats, kernels shaders.Options, load func(weights.Filling) error) (err error) {
	if m.kernels, err = shaders.New(m.dev, kernels); err != nil {
		return err
	}
	m.mem = weights.NewMemory(m.dev, "weights")
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	var fillings []weights.Filling
	if m.weights, fillings = weights.Lay(m.mem, m.Config, formats); m.mem.Err != nil {
		return m.mem.Err
	}
	for _, f := range fillings {
		if err := load(f); err != nil {
			return err
		}
	}
	return nil
}

// Device is the device that the model is on.
func (m *Model) Device() *vk.Device { return m.dev }

// WeightBytes is the device memory that the weights take.
func (m *Model) WeightBytes() uint64 { return m.mem.Arena.Size() }

// Close frees the weights. Sessions must be closed before.
func (m *Model) Close() {
	if m.mem != nil {
		m.mem.Free()
		m.mem = nil
	}
}

// Random is a model of a shape with random weights of the size that training leaves, made on the device without a file. It
// says nothing, at the speed of a real one. As stored means bf16. Prelude and coda may be empty, which leaves the core block.
func Random(c arch.Config, dev *vk.Device, o LoadOptions) (*Model, error) {
	if err := CheckShape(c); err != nil {
		return nil, err
	}
	if err := o.Weights.Check(c); err != nil {
		return nil, err
	}
	m := &Model{Config: c, dev: dev, eps: float32(c.NormEps)}
	r := weights.RandomFiller{Dev: dev}
	return m, m.fill(weights.DeviceFormats(o.Weights, c, RandomStored), o.Kernels, r.Load)
}

// RandomStored is the type that Random takes its tensors to be stored in.
func RandomStored(string) format.Type { return format.BF16 }

// CheckShape checks a shape that comes from no file.
func CheckShape(c arch.Config) error {
	switch {
	case c.NEmbd < 2 || c.NEmbd > arch.MaxEmbd || c.IntermediateSize < 1 || c.IntermediateSize > arch.MaxInner || c.PaddedVocabSize < 1 || c.PaddedVocabSize > arch.MaxVocab:
		return strict.Unusable("shape: width %d, mlp %d, vocabulary %d: want up to %d, %d, %d", c.NEmbd, c.IntermediateSize, c.PaddedVocabSize, arch.MaxEmbd, arch.MaxInner, arch.MaxVocab)
	case c.NHeads < 1 || c.Family == nil && c.NEmbd != c.NHeads*c.HeadDim || c.HeadDim < 2 || c.HeadDim%2 != 0 || c.HeadDim > shaders.MaxHeadDim:
		return strict.Unusable("shape: width %d over %d heads: want an even head size up to %d", c.NEmbd, c.NHeads, shaders.MaxHeadDim)
	case c.NLayersInPrelude < 0 || c.NLayersInCoda < 0 || c.NLayersInRecurrentBlock < 1 || max(c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda) > arch.MaxLayers:
		return strict.Unusable("shape: layers %d, %d, %d: want 0 to %d of prelude and coda, 1 to %d of the core", c.NLayersInPrelude,
			c.NLayersInRecurrentBlock, c.NLayersInCoda, arch.MaxLayers, arch.MaxLayers)
	case c.BlockSize < 1 || c.BlockSize > arch.MaxBlockSize || c.MeanRecurrence < 1 || c.MeanRecurrence > arch.MaxRecur || !(c.NormEps > 0) || !(c.RopeBase > 1):
		return strict.Unusable("shape: block_size %d, mean_recurrence %d, norm_eps %g, rope_base %g: out of range", c.BlockSize, c.MeanRecurrence, c.NormEps, c.RopeBase)
	}
	return nil
}
