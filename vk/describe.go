package vk

import (
	"fmt"
	"strings"
)

// Name is the name the program was created with.
func (p *Program) Name() string { return p.name }

// Cost is the sum of the ops' costs.
func (p *Program) Cost() Cost {
	var c Cost
	for _, o := range p.ops {
		c = c.Add(o.cost)
	}
	return c
}

// barrierCount is the number of barriers inferred between ops, 0 before End.
func (p *Program) barrierCount() int {
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
	fmt.Fprintf(&b, "program %s: %d ops, %d barriers, %d segments\n", p.name, len(p.ops), p.barrierCount(), len(p.segments))
	blocks := make(map[uint64]int)
	cuts := make([]int, len(p.ops)) // parts of each op
	waits := make([]bool, len(p.ops))
	for i, part := range p.parts {
		cuts[part.op]++
		waits[part.op] = waits[part.op] || part.first && p.barriers[i] != nil
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

func kernelName(k *Kernel) string {
	if k == nil {
		return "(none)"
	}
	return k.name
}

func (o op) name() string {
	switch o.kind {
	case opCopy:
		return "copy"
	case opFill:
		return "fill"
	}
	return o.kernel.name
}
