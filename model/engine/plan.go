package engine

import (
	"slices"

	"muninn/model/arch"
	"muninn/model/engine/weights"
	"muninn/vk"
)

// MemoryPlan is the memory that a model and one session take, known before anything is allocated. Sizes are in bytes.
type MemoryPlan struct {
	Lines    []weights.MemoryLine `json:"lines"`    // what is asked for, by group
	Rounding uint64               `json:"rounding"` // alignment and the unused ends of blocks
	Device   uint64               `json:"total"`    // in all, from the heaps of device-local memory
	Host     uint64               `json:"host"`     // from other heaps, the host's: staging and what host and device hand each other
	Short    uint64               `json:"-"`        // of both, what no heap has room for; 0 when the plan fits
}

var planGroups = []string{weights.MemoryWeights, weights.MemoryKV, weights.MemoryScratch}

// Sum is what a group takes.
func (p MemoryPlan) Sum(group string) (n uint64) {
	for _, l := range p.Lines {
		if l.Group == group {
			n += l.Bytes
		}
	}
	return n
}

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
	p.Rounding = p.Device - model.Asked - session.Asked
	slices.SortStableFunc(p.Lines, func(a, b weights.MemoryLine) int {
		return slices.Index(planGroups, a.Group) - slices.Index(planGroups, b.Group)
	})
	return p, nil
}
