package vk

import (
	"cmp"
	"slices"
	"time"

	"muninn/vk/internal/seam"
)

// Timing is the device time of all profiled dispatches of a kernel, or of all copies or fills.
type Timing struct {
	Kernel string
	Count  int
	Total  time.Duration
	Cost   Cost // estimated work of the ops counted
}

// mark appends a timestamp after a part, or with -1 at the start of a segment. Each is taken when everything before it is done,
// so a part's time is the difference to the mark before.
func (p *Program) mark(s *stream, part int) {
	if p.queries == 0 {
		return
	}
	s.add(streamTimestamp, p.queries, uint64(len(p.marks)))
	p.marks = append(p.marks, part)
}

// collect reads the timestamps of a profiled program that has just run.
func (d *Device) collect(p *Program) error {
	ticks, err := d.drv.timestamps(p.queries, len(p.marks))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p.took = 0
	for i, m := range p.marks {
		if m < 0 {
			continue
		}
		part := &p.parts[m]
		o := &p.ops[part.op]
		elapsed := d.caps.elapsed(ticks[i-1], ticks[i])
		p.took += elapsed
		if p.profiled {
			continue
		}
		t := d.timings[o.name()]
		if t == nil {
			t = &Timing{Kernel: o.name()}
			d.timings[o.name()] = t
		}
		t.Total += elapsed
		if part.last {
			t.Count++
			t.Cost = t.Cost.Add(o.cost)
		}
	}
	return nil
}

// elapsed is the time between two timestamps, of which only some bits are valid and which may wrap around.
func (c Caps) elapsed(from, to uint64) time.Duration {
	ticks := to - from
	if c.TimestampBits < 64 {
		ticks &= 1<<c.TimestampBits - 1
	}
	return time.Duration(float64(ticks) * c.TimestampPeriod)
}

// Timings returns what profiled programs took on the device since it was opened or since ResetTimings, longest first.
func (d *Device) Timings() []Timing {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Timing, 0, len(d.timings))
	for _, t := range d.timings {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Timing) int { return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Kernel, b.Kernel)) })
	return out
}

// ResetTimings forgets all timings.
func (d *Device) ResetTimings() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timings = make(map[string]*Timing)
}

// tell tells of each command of the program.
func (p *Program) tell(told func(seam.Op)) {
	for i, part := range p.parts {
		o := &p.ops[part.op]
		op := seam.Op{Kernel: o.name(), Groups: part.box.groups, Push: o.push, Barrier: i == 0 || p.barriers[i] != nil} // programs begin with one
		share := 1.0
		if k := o.kernel; k != nil {
			op.Spec, op.Group = k.spec, k.group
		}
		if all := volume(o.job().groups); all > 0 {
			share = volume(part.box.groups) / all
		}
		if o.kind == opIndirect {
			op.Groups = [3]uint32{}
		}
		op.Bytes, op.FLOPs = share*float64(o.cost.Bytes), share*float64(o.cost.FLOPs)
		told(op)
	}
}
