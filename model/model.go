// Package model runs recurrent-depth language models: a prelude embeds the tokens, a core block of a few layers is
// looped num_steps times over a latent state, a coda reads the answer out.
package model

import (
	"fmt"
	"os"

	"muninn/model/demo"
	"muninn/model/tokenizer"
	"muninn/shaders"
	"muninn/vk"
)

// DemoName is the path that stands for the embedded demo model.
const DemoName = "demo"

// Options say how a model is loaded.
type Options struct {
	// Weights says which format each matrix takes on the device; by default as it is stored.
	Weights Scheme
	// Kernels fix choices that the device's Caps otherwise decide.
	Kernels shaders.Options
	// Progress is called as the weights stream to the device, with bytes of the checkpoint.
	Progress func(done, total int64)
}

// Model is a loaded checkpoint on a device. Any number of sessions can be made of it.
type Model struct {
	Config     Config
	Generation GenerationConfig
	Tokenizer  *tokenizer.Tokenizer // nil when the checkpoint has none

	dev     *vk.Device
	kernels *shaders.Kernels
	arena   *vk.Arena
	weights weights
	eps     float32
}

// Open loads what OpenPath opens.
func Open(path string, dev *vk.Device, o Options) (*Model, error) {
	ck, err := OpenPath(path)
	if err != nil {
		return nil, err
	}
	defer ck.Close()
	return Load(ck, dev, o)
}

// OpenPath opens the checkpoint in a folder, a GGUF file that WriteGGUF made, or the embedded demo model for the name "demo".
func OpenPath(path string) (*Checkpoint, error) {
	if path == DemoName {
		return OpenCheckpointFS(demo.Files)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return OpenGGUF(path)
	}
	return OpenCheckpoint(path)
}

// Load copies an open checkpoint to the device. The checkpoint is not needed afterwards.
func Load(ck *Checkpoint, dev *vk.Device, o Options) (*Model, error) {
	c := ck.Config
	if c.HeadDim > shaders.MaxHeadDim {
		return nil, fmt.Errorf("%w: head size %d: the attention kernel serves up to %d", ErrModel, c.HeadDim, shaders.MaxHeadDim)
	}
	m := &Model{Config: c, Generation: ck.Generation, dev: dev, eps: float32(c.NormEps)}
	var err error
	if m.Tokenizer, err = loadTokenizer(ck); err != nil {
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

// OpenTokenizer reads the tokenizer of what OpenPath opens, without its weights.
func OpenTokenizer(path string) (*tokenizer.Tokenizer, error) {
	ck, err := OpenPath(path)
	if err != nil {
		return nil, err
	}
	defer ck.Close()
	t, err := loadTokenizer(ck)
	if err == nil && t == nil {
		err = fmt.Errorf("%w in %s: add the tokenizer.json of the model", ErrNoTokenizer, path)
	}
	return t, err
}
