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
	for _, o := range p.ops {
		for _, s := range append([]Span{o.args, o.dst}, o.bind...) {
			if s.block != nil && s.block.freed {
				p.err = fmt.Errorf("vk: program %s: %s uses a span whose arena was freed", p.name, o.name())
				return p.err
			}
		}
	}
	if err := p.record(); err != nil {
		p.err = fmt.Errorf("vk: program %s: %w", p.name, err)
		return p.err
	}
	return nil
}

func (p *Program) record() error {
	accesses := make([][]access, len(p.ops))
	estimates := make([]time.Duration, len(p.ops))
	for i, o := range p.ops {
		accesses[i] = o.access
		estimates[i] = p.d.caps.Estimate(o.cost)
	}
	p.barriers = infer(accesses)
	if p.d.dropBarriers.Load() {
		p.barriers = make([]*barrier, len(p.ops))
	}
	starts := cut(estimates, submissionBudget)
	if len(starts) == 0 {
		starts = []int{0}
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
	profile := p.d.profiling.Load() && p.d.caps.TimestampBits > 0 && len(p.ops) > 0
	if profile {
		if p.queries, err = p.d.drv.createQueries(len(p.ops) + len(starts)); err != nil {
			return err
		}
	}
	var s stream
	for n, start := range starts {
		end := len(p.ops)
		if n+1 < len(starts) {
			end = starts[n+1]
		}
		s.add(streamSegment)
		if n == 0 {
			if profile {
				s.add(streamReset, p.queries, uint64(len(p.ops)+len(starts)))
			}
			s.barrier(beginBarrier(accesses))
		}
		p.recordSegment(&s, n, start, end, sets, commands[n], estimates)
		s.barrier(endBarrier)
	}
	if err := p.d.drv.record(commands, s, false); err != nil {
		return err
	}
	p.d.counters.recordings.Add(uint64(len(commands)))
	return nil
}

// recordSegment appends ops start to end, with what they count for.
func (p *Program) recordSegment(s *stream, n, start, end int, sets []handle, c command, estimates []time.Duration) {
	seg := segment{command: c, last: p.name}
	p.mark(s, -1)
	var bound recorded
	for i := start; i < end; i++ {
		o := &p.ops[i]
		if b := p.barriers[i]; b != nil {
			s.barrier(*b)
			seg.counts.barriers++
		}
		o.emit(s, sets[i], &bound)
		p.mark(s, i)
		seg.estimate += estimates[i]
		seg.last = fmt.Sprintf("%s op %d, %s", p.name, i, o.name())
		switch o.kind {
		case opDispatch, opIndirect:
			seg.counts.dispatches++
		case opCopy:
			if o.args.block.use == Upload {
				seg.counts.up += o.args.size
			}
			if o.dst.block.use == Readback {
				seg.counts.down += o.dst.size
			}
		}
	}
	p.segments = append(p.segments, seg)
}

// recorded is what a command buffer has bound so far.
type recorded struct{ pipeline, set handle }

// emit appends an op to the stream.
func (o *op) emit(s *stream, set handle, bound *recorded) {
	switch o.kind {
	case opCopy:
		s.add(streamCopy, o.args.block.buffer, o.args.offset, o.dst.block.buffer, o.dst.offset, o.args.size)
		return
	case opFill:
		s.add(streamFill, o.args.block.buffer, o.args.offset, o.args.size, uint64(o.word))
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
	s.add(streamDispatch, uint64(o.groups[0]), uint64(o.groups[1]), uint64(o.groups[2]))
}

// makeSets makes the descriptor sets, one for every different layout and spans, and returns each op's set or 0.
func (p *Program) makeSets() ([]handle, error) {
	var infos []setInfo
	index := make(map[string]int)
	of := make([]int, len(p.ops))
	for i, o := range p.ops {
		of[i] = -1
		if o.kernel == nil || len(o.bind) == 0 {
			continue
		}
		info := setInfo{layout: o.kernel.layout.set, buffers: make([][3]uint64, len(o.bind))}
		used := o.kernel.in.Bindings
		for _, b := range used {
			span := o.bind[b.Index]
			info.buffers[b.Index] = [3]uint64{span.block.buffer, span.offset, span.size}
		}
		key := fmt.Sprint(info.layout, info.buffers)
		n, ok := index[key]
		if !ok {
			n = len(infos)
			index[key] = n
			infos = append(infos, info)
		}
		of[i] = n
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
	for i, n := range of {
		if n >= 0 {
			out[i] = sets[n]
		}
	}
	return out, nil
}
