package vk

import (
	"context"
	"fmt"
	"strings"
)

// What tests of this package, and of nothing else, look at.

// Fill adds setting every 32-bit word of dst.
func (p *Program) Fill(dst Span, word uint32) {
	o := op{kind: opFill, args: dst, word: word, cost: Cost{Bytes: dst.size}}
	err := dst.words("fill")
	if err == nil {
		o.access = []access{dst.access(byTransfer, false, true)}
	}
	p.add(o, err)
}

// Cost is the sum of the ops' costs.
func (p *Program) Cost() Cost {
	var c Cost
	for _, o := range p.ops {
		c = c.Add(o.cost)
	}
	return c
}

// Ops is the number of ops.
func (p *Program) Ops() int { return len(p.ops) }

// Name is the name the kernel was created with.
func (k *Kernel) Name() string { return k.name }

// Lost returns the latched DeviceLostError, or nil while the device works.
func (d *Device) Lost() error { return d.drv.alive() }

// Used is how many bytes were handed out, alignment included.
func (a *Arena) Used() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var n uint64
	for _, b := range a.blocks {
		n += b.used
	}
	return n
}

// Interface is what the kernel's SPIR-V says about how it is called.
func (k *Kernel) Interface() signature { return k.in }

// Segments is the number of command buffers the program was cut into, 0 before End.
func (p *Program) Segments() int { return len(p.segments) }

// Workgroup is the workgroup size with the specialization constants applied.
func (k *Kernel) Workgroup() [3]uint32 { return k.group }

// Hazards returns an error naming the first two ops that touch the same memory in conflict without a barrier between
// them. It checks an ended program by the plain rule, whatever the inference did.
func (p *Program) Hazards() error {
	accesses := make([][]access, len(p.parts))
	before := make([]bool, len(p.parts))
	for i, part := range p.parts {
		accesses[i] = p.ops[part.op].access
		before[i] = p.barriers[i] != nil
	}
	if i, k, found := uncovered(accesses, before); found {
		i, k = p.parts[i].op, p.parts[k].op
		return fmt.Errorf("vk: program %s: ops %d (%s) and %d (%s) conflict without a barrier", p.name, i, p.ops[i].name(), k, p.ops[k].name())
	}
	return nil
}

// uncovered returns the first pair of ops that conflict without a barrier between them, given which ops have one before
// them. It is the plain statement of the rule that infer must satisfy, kept apart from how infer works.
func uncovered(ops [][]access, before []bool) (first, second int, found bool) {
	for j := range ops {
		for i := j - 1; i >= 0 && !before[i+1]; i-- {
			for _, a := range ops[i] {
				for _, b := range ops[j] {
					if (a.write || b.write) && a.overlaps(b) {
						return i, j, true
					}
				}
			}
		}
	}
	return 0, 0, false
}

// SavePipelineCache is what Close does to the pipeline cache, with its error.
func (d *Device) SavePipelineCache() error {
	if err := d.acquire(context.Background()); err != nil {
		return err
	}
	defer d.release()
	return d.saveCache()
}

// Spans is how many spans a dispatch of the kernel binds.
func (k *Kernel) Spans() int { return k.in.spans() }

// Arena adds an arena for spans of these sizes, allocated in this order, and returns its size.
func (t *Tally) Arena(m Memory, spans []uint64) (uint64, error) {
	a := t.NewArena("spans", m)
	for _, n := range spans {
		if _, err := a.Alloc(n); err != nil {
			return 0, err
		}
	}
	return a.Size(), nil
}

// NewKernel compiles a kernel: Prepare and Build in one.
func (d *Device) NewKernel(name string, spirv []byte, opt KernelOptions) (*Kernel, error) {
	k, err := d.Prepare(name, spirv, opt)
	if err == nil {
		err = d.Build(k)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Barriers is the number of barriers inferred between ops, 0 before End.
func (p *Program) Barriers() int {
	n := 0
	for _, b := range p.barriers {
		if b != nil {
			n++
		}
	}
	return n
}

// String lists the ops, one a line: index, name, workgroups, blocks read and written as
// number:offset+bytes, cost, parts when there are several. A line of dashes stands for a barrier before an op.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %s: %d ops, %d barriers, %d segments\n", p.name, len(p.ops), p.Barriers(), len(p.segments))
	blocks := make(map[uint64]int)
	cuts := make([]int, len(p.ops)) // parts of each op
	waits := make([]bool, len(p.ops))
	for i, part := range p.parts {
		if cuts[part.op]++; cuts[part.op] == 1 {
			waits[part.op] = p.barriers[i] != nil
		}
	}
	for i, o := range p.ops {
		if waits[i] {
			b.WriteString("  ----\n")
		}
		fmt.Fprintf(&b, "%4d %s", i, o.name())
		switch o.kind {
		case opDispatch:
			fmt.Fprintf(&b, " %dx%dx%d", o.groups[0], o.groups[1], o.groups[2])
		case opIndirect:
			b.WriteString(" indirect")
		}
		for _, a := range o.access {
			how := "r"
			if a.write && a.read {
				how = "rw"
			} else if a.write {
				how = "w"
			}
			n, ok := blocks[a.block]
			if !ok {
				n = len(blocks)
				blocks[a.block] = n
			}
			fmt.Fprintf(&b, " %s[%d:%d+%d]", how, n, a.offset, a.end-a.offset)
		}
		fmt.Fprintf(&b, " %d bytes %d flops", o.cost.Bytes, o.cost.FLOPs)
		if cuts[i] > 1 {
			fmt.Fprintf(&b, " in %d parts", cuts[i])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
