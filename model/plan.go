package model

import (
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/vk"
)

// PlanOptions say what memory is planned for.
type PlanOptions struct {
	Formats Formats
	KV      shaders.KVType
	Session SessionOptions
}

// Plan is the memory that a model and one session take, known before anything is allocated. Sizes are in bytes.
type Plan struct {
	Lines    []PlanLine // what is asked for, by group
	Rounding uint64     // alignment and the unused ends of blocks
	Device   uint64     // in all, from the heap of device-local memory
	Host     uint64     // from another heap, the host's: staging and what host and device hand each other
}

// PlanLine is one part of a plan.
type PlanLine struct {
	Group string `json:"group"` // weights, kv or scratch
	Part  string `json:"part"`
	Bytes uint64 `json:"bytes"`
}

// The groups of a plan.
const (
	PlanWeights = "weights"
	PlanKV      = "kv"
	PlanScratch = "scratch"
)

var planGroups = []string{PlanWeights, PlanKV, PlanScratch}

// Sum is what a group takes.
func (p Plan) Sum(group string) (n uint64) {
	for _, l := range p.Lines {
		if l.Group == group {
			n += l.Bytes
		}
	}
	return n
}

// Plan is what Load and NewSession take on a device with these options. No device is needed. An error matching
// shaders.ErrBindingLimit says that something cannot be bound there, however much memory there is.
func (c Config) Plan(caps vk.Caps, o PlanOptions) (Plan, error) {
	s, err := o.Session.fill(c, caps)
	if err != nil {
		return Plan{}, err
	}
	p := &planner{c: c, limit: caps.ShardLimit()}
	p.weights(o.Formats)
	p.activations(s)
	p.caches(s, o.KV)
	p.exchange(s)
	if p.err != nil {
		return Plan{}, p.err
	}
	return p.plan(caps)
}

// planner lists the spans of each arena in the order in which they are allocated.
type planner struct {
	c     Config
	limit uint64 // of a binding
	err   error

	sum                       Plan
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
	p.sum.Lines = append(p.sum.Lines, PlanLine{group, part, n})
}

func (p *planner) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// plan sums the arenas up, block by block.
func (p *planner) plan(caps vk.Caps) (Plan, error) {
	heap, err := caps.HeapOf(vk.DeviceLocal)
	if err != nil {
		return Plan{}, err
	}
	var asked uint64
	for _, l := range p.sum.Lines {
		asked += l.Bytes
	}
	add := func(m vk.Memory, spans []uint64, staging uint64) {
		n, e := caps.ArenaSize(m, spans)
		at, _ := caps.HeapOf(m)
		switch {
		case e != nil:
			err = e
		case at == heap:
			p.sum.Device += n + staging
		default:
			p.sum.Host += n + staging
		}
	}
	up, down := caps.Staging()
	add(vk.DeviceLocal, p.weightSpans, 0)
	add(vk.DeviceLocal, p.sessionSpans, 0)
	add(vk.Upload, p.upSpans, up)
	add(vk.Readback, p.downSpans, down)
	p.sum.Rounding = p.sum.Device - asked
	slices.SortStableFunc(p.sum.Lines, func(a, b PlanLine) int { return slices.Index(planGroups, a.Group) - slices.Index(planGroups, b.Group) })
	return p.sum, err
}

// blockParts are the names of the parts with blocks, as plans show them.
var blockParts = map[Part]string{PartPrelude: "prelude", PartCore: "core", PartCoda: "coda"}

// weights follows loadWeights.
func (p *planner) weights(format Formats) {
	c := p.c
	d, m := c.NEmbd, c.IntermediateSize
	matrix := func(name string, part Part, line string, rows, cols int) {
		f := format(TensorSpec{Name: name, Shape: []int{rows, cols}, Part: part})
		p.matrix(line, rows, cols, f)
	}
	matrix(NameEmbedding, PartEmbedding, "embedding", c.PaddedVocabSize, d)
	for _, part := range []struct {
		Part
		n int
	}{{PartPrelude, c.NLayersInPrelude}, {PartCore, c.NLayersInRecurrentBlock}, {PartCoda, c.NLayersInCoda}} {
		line := blockParts[part.Part]
		for i := range part.n {
			for range 4 {
				p.vector("norms", d)
			}
			matrix(blockTensor(part.Part, i, "attn.Wqkv.weight"), part.Part, line, 3*d, d)
			matrix(blockTensor(part.Part, i, "attn.proj.weight"), part.Part, line, d, d)
			matrix(blockTensor(part.Part, i, "mlp.fc.weight"), part.Part, line, m, d)
			matrix(blockTensor(part.Part, i, "mlp.fc.weight"), part.Part, line, m, d)
			matrix(blockTensor(part.Part, i, "mlp.proj.weight"), part.Part, line, d, m)
			if c.QKBias {
				p.vector("norms", 2*d)
			}
		}
	}
	matrix(NameAdapter, PartAdapter, "adapter", d, 2*shaders.Padded(d))
	p.vector("norms", d)
	p.vector("rope table", c.BlockSize*c.HeadDim)
	if c.Bias {
		p.vector("norms", d)
	}
	if c.TieEmbeddings {
		p.line(PlanWeights, "head", 0)
	} else {
		matrix(NameHead, PartHead, "head", c.PaddedVocabSize, d)
	}
}

func (p *planner) vector(line string, n int) {
	p.line(PlanWeights, line, uint64(n)*4)
	p.weightSpans = append(p.weightSpans, uint64(n)*4)
}

// matrix follows shaders.NewMatrix.
func (p *planner) matrix(line string, rows, cols int, f shaders.Format) {
	row := shaders.MatrixBytes(1, cols, f)
	per := int(min(p.limit/row, uint64(rows)))
	if per == 0 {
		p.fail("model: one row of a %dx%d matrix in %s is %d bytes, %w of %d", rows, cols, f, row, shaders.ErrBindingLimit, p.limit)
		return
	}
	for done := 0; done < rows; done += per {
		p.weightSpans = append(p.weightSpans, uint64(min(per, rows-done))*row)
	}
	p.line(PlanWeights, line, uint64(rows)*row)
}
