package engine

import (
	"slices"

	"muninn/model/arch"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// MemoryPlan is the memory that a model and one session take, known before anything is allocated. Sizes are in bytes.
type MemoryPlan struct {
	Lines    []weights.MemoryLine `json:"lines"`    // what is asked for, by group
	Rounding uint64               `json:"rounding"` // alignment and the unused ends of blocks
	Device   uint64               `json:"total"`    // in all, from the heaps of device-local memory
	Host     uint64               `json:"host"`     // from other heaps, the host's: staging and what host and device hand each other
	Heaps    []uint64             `json:"heaps"`    // of both, by heap
	Short    uint64               `json:"-"`        // of both, what no heap has room for; 0 when the plan fits
}

var planGroups = []string{weights.MemoryWeights, weights.MemoryKV, weights.MemoryScratch}

// PlanMemory returns what Load and NewSession take on a device. No device is needed. An error matching
// shaders.ErrBindingLimit says that something cannot be bound there, however much memory there is.
func PlanMemory(c arch.Config, caps vk.Caps, formats weights.Formats, o SessionOptions) (MemoryPlan, error) {
	o, err := o.fill(c, caps)
	if err != nil {
		return MemoryPlan{}, err
	}
	tally := caps.NewTally()
	model, session := weights.CountMemory(caps, tally), weights.CountMemory(caps, tally)
	weights.Lay(model, c, formats)
	if model.Err == nil {
		newOnDevice(session, c, o)
	}
	for _, err := range []error{model.Err, session.Err} {
		if err != nil {
			return MemoryPlan{}, err
		}
	}
	tally.Staging()
	p := MemoryPlan{Lines: append(model.Lines, session.Lines...)}
	p.Device, p.Host, p.Short = tally.Taken()
	p.Heaps = tally.Used()
	p.Rounding = p.Device - model.Asked - session.Asked
	slices.SortStableFunc(p.Lines, func(a, b weights.MemoryLine) int {
		return slices.Index(planGroups, a.Group) - slices.Index(planGroups, b.Group)
	})
	return p, nil
}

// Work is the weights that passes read and multiply.
type Work struct {
	Once Weights // prelude, coda and norms
	Step Weights // adapter and core blocks, at every core step
	Head Weights // the output matrix
}

// Weights is how many elements matrices have, and the bytes that these and the vectors beside them take on the device.
type Weights struct{ Elements, Bytes float64 }

// WorkOf adds up the weights of a model whose formats on the device are given. One row of the embedding is read, which does
// not count, unless it is the output matrix.
func WorkOf(c arch.Config, formats weights.Formats) (w Work) {
	for _, spec := range c.TensorSpecs() {
		to, times := &w.Once, 1.0
		switch spec.Part {
		case arch.PartAdapter:
			to = &w.Step
		case arch.PartCore:
			to, times = &w.Step, float64(c.Runs(spec.Block))
		case arch.PartHead, arch.PartEmbedding:
			if c.TieEmbeddings != (spec.Part == arch.PartEmbedding) {
				continue
			}
			to = &w.Head
		}
		if !spec.Matrix() {
			to.Bytes += times * 4 * float64(spec.Elements()) // float32 on the device, whatever the file has
			continue
		}
		to.Elements += times * float64(spec.Elements())
		to.Bytes += times * float64(shaders.MatrixBytes(spec.Shape[0], spec.Shape[1], formats(spec)))
	}
	return w
}

// Pass is the bytes of weights that a pass of some core steps reads, and the operations of its products over rows, one of them
// with logits.
func (w Work) Pass(rows, steps int) (bytes, flops float64) {
	n, r := float64(rows), float64(steps)
	return w.Once.Bytes + r*w.Step.Bytes + w.Head.Bytes, 2 * (n*(w.Once.Elements+r*w.Step.Elements) + w.Head.Elements)
}
