package vk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

const inFlight = 2 // submissions the device may be working on

// queue is the state of submitting, owned by the holder of the device's turn.
type queue struct {
	fences  [inFlight]handle
	busy    []int // indices of fences in flight, oldest first
	planned [inFlight]time.Duration
	staging staging
}

func (d *Device) closeQueue() {
	d.closeStaging()
	for _, f := range d.queue.fences {
		d.drv.destroy(objFence, f)
	}
}

// Run executes programs in order and returns when the device is done. They are grouped into submissions that are
// predicted to stay within the time budget, two of them in flight. When the context ends, no further submission is made,
// what is in flight is waited for, and the context's error comes back; the programs' results are then incomplete.
func (d *Device) Run(ctx context.Context, o RunOptions, progs ...*Program) error {
	for _, p := range progs {
		if err := p.runnable(d); err != nil {
			return err
		}
	}
	if err := d.acquire(ctx); err != nil {
		return err
	}
	defer d.release()
	if told := d.drv.test.Watch.Load(); told != nil {
		for _, p := range progs {
			p.tell(*told)
		}
	}
	for len(progs) > 0 {
		// A profiled program runs alone: its timestamps are read before they can be written again.
		n := slices.IndexFunc(progs, func(p *Program) bool { return p.queries != 0 })
		if n < 0 {
			n = len(progs)
		}
		n = max(n, 1)
		if err := d.runAll(ctx, o, progs[:n]); err != nil {
			return err
		}
		if progs[0].queries != 0 {
			if err := d.collect(progs[0]); err != nil {
				return err
			}
		}
		progs = progs[n:]
	}
	return nil
}

func (p *Program) runnable(d *Device) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.d != d:
		return fmt.Errorf("vk: program %s belongs to another device", p.name)
	case p.err != nil:
		return p.err
	case p.freed:
		return fmt.Errorf("vk: program %s was freed", p.name)
	case !p.ended:
		return fmt.Errorf("vk: program %s was not ended", p.name)
	}
	return nil
}

// runAll submits the programs' segments in groups and waits for all of them, also after an error, or should Progress panic.
func (d *Device) runAll(ctx context.Context, o RunOptions, progs []*Program) (err error) {
	defer func() { err = cmp.Or(err, d.waitAll()) }()
	var segments []segment
	for _, p := range progs {
		segments = append(segments, p.segments...)
	}
	total := len(segments)
	for len(segments) > 0 && err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		n := group(segments, submissionBudget, o.PerSubmit)
		err = d.submitSegments(segments[:n])
		segments = segments[n:]
		if o.Progress != nil {
			o.Progress(total-len(segments), total)
		}
	}
	return err
}

// submitSegments submits some command buffers, after waiting for a free fence.
func (d *Device) submitSegments(segments []segment) error {
	commands := make([]command, len(segments))
	var estimate time.Duration
	for i, s := range segments {
		commands[i] = s.command
		estimate += s.estimate
	}
	if err := d.submit(commands, segments[len(segments)-1].last, estimate); err != nil {
		return err
	}
	for _, s := range segments {
		d.count(s.counts)
	}
	return nil
}

// submit hands commands that are predicted to take so long to the device, under a fence that is free.
func (d *Device) submit(commands []command, last string, estimate time.Duration) error {
	q := &d.queue
	if len(q.busy) == inFlight {
		if err := d.waitOldest(); err != nil {
			return err
		}
	}
	slot := 0
	if len(q.busy) > 0 {
		slot = (q.busy[len(q.busy)-1] + 1) % inFlight
	}
	if q.fences[slot] == 0 {
		var err error
		if q.fences[slot], err = d.drv.createFence(); err != nil {
			return err
		}
	}
	if err := d.drv.submitOp(commands, q.fences[slot], last); err != nil {
		return err
	}
	q.busy = append(q.busy, slot)
	q.planned[slot] = estimate
	d.count(Counters{Submissions: 1})
	return nil
}

// waitOldest waits for the oldest submission and takes its fence back. After an error the device is lost, and what is
// still in flight is given the chance to end before anyone frees what it uses.
func (d *Device) waitOldest() error {
	q := &d.queue
	slot := q.busy[0]
	q.busy = q.busy[1:]
	err := d.drv.wait(q.fences[slot], q.planned[slot])
	if err != nil {
		d.drv.waitIdle()
	}
	return err
}

// waitAll waits for every submission, and returns the first error.
func (d *Device) waitAll() (err error) {
	for len(d.queue.busy) > 0 {
		err = cmp.Or(err, d.waitOldest())
	}
	return err
}
