package engine

import (
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// PlanOptions say what memory is planned for.
type MemoryOptions struct {
	Formats Formats
	KV      shaders.KVType
	Session SessionOptions
}

// Plan is the memory that a model and one session take, known before anything is allocated. Sizes are in bytes.
type MemoryPlan struct {
	Lines    []MemoryLine // what is asked for, by group
	Rounding uint64       // alignment and the unused ends of blocks
	Device   uint64       // in all, from the heaps of device-local memory
	Host     uint64       // from other heaps, the host's: staging and what host and device hand each other
	Short    uint64       // of both, what no heap has room for; 0 when the plan fits
}

// PlanLine is one part of a plan.
type MemoryLine struct {
	Group string `json:"group"` // weights, kv or scratch
	Part  string `json:"part"`
	Bytes uint64 `json:"bytes"`
}

// The groups of a plan.
const (
	MemoryWeights = "weights"
	MemoryKV      = "kv"
	MemoryScratch = "scratch"
)

var planGroups = []string{MemoryWeights, MemoryKV, MemoryScratch}

// Sum is what a group takes.
func (p MemoryPlan) Sum(group string) (n uint64) {
	for _, l := range p.Lines {
		if l.Group == group {
			n += l.Bytes
		}
	}
	return n
}

// PlanFor is what Load and NewSession take on a device with these options. No device is needed. An error matching
// shaders.ErrBindingLimit says that something cannot be bound there, however much memory there is.
func PlanMemory(c arch.Config, caps vk.Caps, o MemoryOptions) (MemoryPlan, error) {
	s, err := o.Session.fill(c, caps)
	if err != nil {
		return MemoryPlan{}, err
	}
	p := &planner{c: c, limit: caps.ShardLimit()}
	p.weights(o.Formats)
	p.activations(s)
	p.caches(s, o.KV)
	p.exchange(s)
	if p.err != nil {
		return MemoryPlan{}, p.err
	}
	return p.plan(caps)
}

// planner lists the spans of each arena in the order in which they are allocated.
type planner struct {
	c     arch.Config
	limit uint64 // of a binding
	err   error

	sum                       MemoryPlan
	weightSpans, sessionSpans []uint64
	upSpans, downSpans        []uint64
}

// line accounts n bytes to a part.
func (p *planner) line(group, part string, n uint64) {
	for i, l := range p.sum.Lines {
		if l.Group == group && l.Part == part {
			p.sum.Lines[i].Bytes += n
			return
		}
	}
	p.sum.Lines = append(p.sum.Lines, MemoryLine{group, part, n})
}

func (p *planner) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// plan sums the arenas up, block by block.
func (p *planner) plan(caps vk.Caps) (MemoryPlan, error) {
	var asked uint64
	for _, l := range p.sum.Lines {
		asked += l.Bytes
	}
	tally := caps.NewTally()
	for _, a := range []struct {
		vk.Memory
		spans []uint64
	}{{vk.DeviceLocal, p.weightSpans}, {vk.DeviceLocal, p.sessionSpans}, {vk.Upload, p.upSpans}, {vk.Readback, p.downSpans}} {
		if _, err := tally.Arena(a.Memory, a.spans); err != nil {
			return MemoryPlan{}, err
		}
	}
	tally.Staging()
	p.sum.Device, p.sum.Host, p.sum.Short = tally.Taken()
	p.sum.Rounding = p.sum.Device - asked
	slices.SortStableFunc(p.sum.Lines, func(a, b MemoryLine) int {
		return slices.Index(planGroups, a.Group) - slices.Index(planGroups, b.Group)
	})
	return p.sum, nil
}

// blockParts are the names of the parts with blocks, as plans show them.
var blockParts = map[arch.Part]string{arch.PartPrelude: "prelude", arch.PartCore: "core", arch.PartCoda: "coda"}

// weights follows loadWeights.
func (p *planner) weights(format Formats) {
	c := p.c
	d, m := c.NEmbd, c.IntermediateSize
	matrix := func(name string, part arch.Part, line string, rows, cols int) {
		f := format(arch.TensorSpec{Name: name, Shape: []int{rows, cols}, Part: part})
		p.matrix(line, rows, cols, f)
	}
	matrix(arch.NameEmbedding, arch.PartEmbedding, "embedding", c.PaddedVocabSize, d)
	for _, part := range []struct {
		arch.Part
		n int
	}{{arch.PartPrelude, c.NLayersInPrelude}, {arch.PartCore, c.NLayersInRecurrentBlock}, {arch.PartCoda, c.NLayersInCoda}} {
		line := blockParts[part.Part]
		for i := range part.n {
			for range 4 {
				p.vector("norms", d)
			}
			matrix(arch.BlockTensor(part.Part, i, "attn.Wqkv.weight"), part.Part, line, 3*d, d)
			matrix(arch.BlockTensor(part.Part, i, "attn.proj.weight"), part.Part, line, d, d)
			matrix(arch.BlockTensor(part.Part, i, "mlp.fc.weight"), part.Part, line, m, d)
			matrix(arch.BlockTensor(part.Part, i, "mlp.fc.weight"), part.Part, line, m, d)
			matrix(arch.BlockTensor(part.Part, i, "mlp.proj.weight"), part.Part, line, d, m)
			if c.QKBias {
				p.vector("norms", 2*d)
			}
		}
	}
	matrix(arch.NameAdapter, arch.PartAdapter, "adapter", d, 2*shaders.Padded(d))
	p.vector("norms", d)
	p.vector("rope table", c.BlockSize*c.HeadDim)
	if c.Bias {
		p.vector("norms", d)
	}
	if c.TieEmbeddings {
		p.line(MemoryWeights, "head", 0)
	} else {
		matrix(arch.NameHead, arch.PartHead, "head", c.PaddedVocabSize, d)
	}
}

func (p *planner) vector(line string, n int) {
	p.line(MemoryWeights, line, uint64(n)*4)
	p.weightSpans = append(p.weightSpans, uint64(n)*4)
}

// matrix follows shaders.NewMatrix.
func (p *planner) matrix(line string, rows, cols int, f format.Type) {
	row := shaders.MatrixBytes(1, cols, f)
	per := int(min(p.limit/row, uint64(rows)))
	if per == 0 {
		p.fail("model: one row of a %dx%d matrix in %s is %d bytes, %w of %d", rows, cols, f, row, shaders.ErrBindingLimit, p.limit)
		return
	}
	for done := 0; done < rows; done += per {
		p.weightSpans = append(p.weightSpans, uint64(min(per, rows-done))*row)
	}
	p.line(MemoryWeights, line, uint64(rows)*row)
}
