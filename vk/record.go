package vk

import (
	"fmt"
	"time"
)

// End infers barriers, makes the descriptor sets, cuts the ops into segments at the time budget and records them. It
// returns the first error of the ops added, or its own; the program can then only be freed.
func (p *Program) End() error {
	if p.err != nil {
		return p.err
	}
	if err := p.d.usable(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.freed:
		return fmt.Errorf("vk: program %s was freed", p.name)
	case p.ended:
		return fmt.Errorf("vk: program %s was ended before", p.name)
	}
	p.ended = true
	if err := p.record(); err != nil {
		p.err = fmt.Errorf("vk: program %s: %w", p.name, err)
	}
	return p.err
}

func (p *Program) record() error {
	jobs := make([]job, len(p.ops))
	for i := range p.ops {
		o := &p.ops[i]
		for _, s := range append([]Span{o.args, o.dst}, o.bind...) {
			if s.block != nil && s.block.freed {
				return fmt.Errorf("%s uses a span whose arena was freed", o.name())
			}
		}
		jobs[i] = o.job()
	}
	p.parts = plan(jobs, p.d.Speed())
	// Parts of an op have barriers between them as if they were ops: nothing beside their time, and no reader of the
	// recording has to know that they write apart.
	accesses := make([][]access, len(p.parts))
	estimates := make([]time.Duration, len(p.parts))
	for i, part := range p.parts {
		accesses[i] = p.ops[part.op].access
		estimates[i] = part.estimate
	}
	p.barriers = infer(accesses)
	if p.d.drv.test.DropBarriers.Load() {
		p.barriers = make([]*barrier, len(p.parts))
	}
	starts := cut(estimates, segmentBudget)
	if len(starts) == 0 {
		starts = []int{0}
	}
	if err := p.d.Build(p.Dispatched()...); err != nil {
		return err
	}
	sets, err := p.makeSets()
	if err != nil {
		return err
	}
	pool, commands, err := p.d.drv.createCommands(len(starts))
	if err != nil {
		return err
	}
	p.commands = pool
	profile := (p.profiled || p.d.profiling.Load()) && p.d.caps.TimestampBits > 0 && len(p.parts) > 0
	if profile {
		if p.queries, err = p.d.drv.createQueries(len(p.parts) + len(starts)); err != nil {
			return err
		}
	}
	var s stream
	ends := append(starts[1:len(starts):len(starts)], len(p.parts))
	for n, start := range starts {
		s.add(streamSegment)
		if n == 0 {
			if profile {
				s.add(streamReset, p.queries, uint64(len(p.parts)+len(starts)))
			}
			s.barrier(beginBarrier(accesses))
		}
		p.recordSegment(&s, start, ends[n], sets, commands[n])
		s.barrier(endBarrier)
	}
	if err := p.d.drv.record(commands, s, false); err != nil {
		return err
	}
	p.d.count(Counters{Recordings: uint64(len(commands))})
	return nil
}

// recordSegment appends parts start to end, with what they count for.
func (p *Program) recordSegment(s *stream, start, end int, sets []handle, c command) {
	seg := segment{command: c, first: start == 0, last: p.name}
	p.mark(s, -1)
	var bound recorded
	for i := start; i < end; i++ {
		part := &p.parts[i]
		o := &p.ops[part.op]
		if b := p.barriers[i]; b != nil {
			s.barrier(*b)
			seg.counts.Barriers++
		}
		o.emit(s, part.box, sets[part.op], &bound)
		if !p.profiled || i == end-1 { // Took needs no more, and a timestamp costs as much as a small dispatch
			p.mark(s, i)
		}
		seg.estimate += part.estimate
		seg.last = fmt.Sprintf("%s op %d, %s", p.name, part.op, o.name())
		switch o.kind {
		case opDispatch, opIndirect:
			seg.counts.Dispatches++
		case opCopy:
			_, size := o.bytes(part.box)
			if o.args.block.use == Upload {
				seg.counts.BytesUp += size
			}
			if o.dst.block.use == Readback {
				seg.counts.BytesDown += size
			}
		}
	}
	p.segments = append(p.segments, seg)
}

// recorded is what a command buffer has bound so far.
type recorded struct{ pipeline, set handle }

// transferGroup is how many bytes of a copy or fill count as one of the groups that it may be cut into.
const transferGroup = 1 << 20

// job is the op as the planner sees it.
func (o *op) job() job {
	switch o.kind {
	case opDispatch:
		return job{groups: o.groups, cost: o.cost, whole: o.kernel.in.ReadsGrid}
	case opIndirect: // how many groups there are is only known on the device
		return job{groups: [3]uint32{1, 1, 1}, cost: o.cost, whole: true}
	}
	return job{groups: [3]uint32{uint32(ceil(o.args.size, transferGroup)), 1, 1}, cost: o.cost}
}

// bytes are the offset and length within the spans that a box of a copy's or fill's groups stands for.
func (o *op) bytes(b box) (off, size uint64) {
	off = uint64(b.base[0]) * transferGroup
	return off, min(uint64(b.groups[0])*transferGroup, o.args.size-off)
}

// emit appends a box of an op's groups to the stream.
func (o *op) emit(s *stream, b box, set handle, bound *recorded) {
	switch o.kind {
	case opCopy:
		off, size := o.bytes(b)
		s.add(streamCopy, o.args.block.buffer, o.args.offset+off, o.dst.block.buffer, o.dst.offset+off, size)
		return
	case opFill:
		off, size := o.bytes(b)
		s.add(streamFill, o.args.block.buffer, o.args.offset+off, size, uint64(o.word))
		return
	}
	k := o.kernel
	if bound.pipeline != k.pipeline {
		s.add(streamPipeline, k.pipeline)
		// Another layout may disturb the bound set, so it is bound again with the pipeline.
		*bound = recorded{pipeline: k.pipeline}
	}
	if set != 0 && bound.set != set {
		s.add(streamSet, k.layout.pipeline, set)
		bound.set = set
	}
	if len(o.push) > 0 {
		s.push(k.layout.pipeline, o.push)
	}
	if o.kind == opIndirect {
		s.add(streamIndirect, o.args.block.buffer, o.args.offset)
		return
	}
	g := b.groups
	if b.base == [3]uint32{} {
		s.add(streamDispatch, uint64(g[0]), uint64(g[1]), uint64(g[2]))
		return
	}
	s.add(streamDispatchBase, uint64(b.base[0]), uint64(b.base[1]), uint64(b.base[2]), uint64(g[0]), uint64(g[1]), uint64(g[2]))
}

// makeSets makes the descriptor sets, one for every different layout and spans, and returns each op's set or 0.
func (p *Program) makeSets() ([]handle, error) {
	var infos []setInfo
	index := make(map[string]int)
	keys := make([]string, len(p.ops))
	for i, o := range p.ops {
		if o.kernel == nil || len(o.bind) == 0 {
			continue
		}
		info := setInfo{layout: o.kernel.layout.set}
		for _, b := range o.kernel.in.Bindings {
			d, err := p.d.descriptor(b, o.bind[b.Span()])
			if err != nil {
				return nil, err
			}
			info.descriptors = append(info.descriptors, d)
		}
		keys[i] = fmt.Sprint(info.layout, info.descriptors)
		if _, ok := index[keys[i]]; !ok {
			index[keys[i]] = len(infos)
			infos = append(infos, info)
		}
	}
	out := make([]handle, len(p.ops))
	if len(infos) == 0 {
		return out, nil
	}
	pool, sets, err := p.d.drv.createSets(infos)
	if err != nil {
		return nil, err
	}
	p.sets = pool
	for i, key := range keys {
		if key != "" {
			out[i] = sets[index[key]]
		}
	}
	return out, nil
}
