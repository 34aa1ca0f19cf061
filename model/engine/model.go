package engine

import (
	"fmt"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/shaders"
	"muninn/vk"
)

// Options say how a model is loaded.
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
	arena   *vk.Arena
	weights weights
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
	if m.kernels, err = shaders.New(dev, o.Kernels); err != nil {
		return nil, err
	}
	l := &loader{config: c, ck: ck, dev: dev, arena: dev.NewArena("weights", vk.DeviceLocal), scheme: o.Weights, progress: o.Progress}
	m.arena = l.arena
	m.weights = loadWeights(l)
	if l.err != nil {
		m.Close()
		return nil, l.err
	}
	return m, nil
}

// Device is the device that the model is on.
func (m *Model) Device() *vk.Device { return m.dev }

// WeightBytes is the device memory that the weights take.
func (m *Model) WeightBytes() uint64 { return m.arena.Size() }

// Close frees the weights. Sessions must be closed before.
func (m *Model) Close() {
	if m.arena != nil {
		m.arena.Free()
		m.arena = nil
	}
}
