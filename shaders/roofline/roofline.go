// Package roofline measures what a device reaches at its best: how fast it reads memory, how fast it multiplies and adds, and
// what a dispatch costs. The planner cuts work by these figures and benchmarks are read against them.
package roofline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muninn/shaders"
	"muninn/vk"
)

// Effort is how much time a measurement may take.
type Effort struct {
	Buffer uint64        // bytes read in a pass, where memory and limits allow
	Warm   time.Duration // work done before: an idle GPU takes a while to raise its clocks
	Least  time.Duration // time of one repetition
	Reps   int           // repetitions, of which the median counts
}

// Quick is for start-up: under 0.3 s on a GPU. Its buffer is larger than the caches of all but the largest GPUs.
func Quick(c vk.Caps) Effort { return effort(c, 256<<20, 80*time.Millisecond, 4*time.Millisecond, 3) }

// Thorough is for benchmarks: a second or more.
func Thorough(c vk.Caps) Effort {
	return effort(c, 1<<30, 500*time.Millisecond, 25*time.Millisecond, 9)
}

func effort(c vk.Caps, buffer uint64, warm, least time.Duration, reps int) Effort {
	if shaders.SharesCPU(c) { // drivers that run on the CPU may bind no more than 128 MiB, and shorter runs are lost in the noise
		buffer, warm, least = 96<<20, 0, max(least, 20*time.Millisecond)
	}
	return Effort{buffer, warm, least, reps}
}

// Calibrate sets the device's speed to what was kept for it, else to a quick measurement, which is kept.
func Calibrate(ctx context.Context, dev *vk.Device) (vk.Speed, error) {
	return dev.Calibrate(func() (vk.Speed, error) { return Measure(ctx, dev, Quick(dev.Caps())) })
}

// Measure measures the device, on which nothing else should run meanwhile.
func Measure(ctx context.Context, dev *vk.Device, e Effort) (vk.Speed, error) {
	s, err := measure(ctx, dev, e)
	if err != nil {
		return vk.Speed{}, fmt.Errorf("roofline: measuring %s: %w", dev.Caps().Name, err)
	}
	return s, nil
}

func measure(ctx context.Context, dev *vk.Device, e Effort) (vk.Speed, error) {
	var s vk.Speed
	k, err := shaders.New(dev, shaders.Options{})
	if err != nil {
		return s, err
	}
	arena := dev.NewArena("roofline", vk.DeviceLocal)
	defer arena.Free()
	const share = 1024 // bytes that each invocation reads
	lanes := uint64(k.Lanes)
	x, err := buffer(dev, arena, e.Buffer, share*lanes)
	if err != nil {
		return s, err
	}
	y, err := arena.Alloc(x.Size() / share * 4)
	if err != nil {
		return s, err
	}
	// Memory that nobody has written may be one page of zeros, read from a cache.
	if err := dev.Fill(x, 0x3f803f80); err != nil {
		return s, err
	}
	m := &meter{ctx: ctx, dev: dev, caps: dev.Caps(), kernels: k, effort: e}

	read := func(r *shaders.Recorder, n int) {
		for range n {
			r.ReadRoofline(y, x)
		}
	}
	if err := m.warm(read); err != nil {
		return s, err
	}
	passes, err := m.rate(1, mostDispatches, m.work(read))
	if err != nil {
		return s, err
	}
	s.Read = passes * float64(x.Size())

	// Enough workgroups to fill the largest GPU; few on a CPU, where they run one after another.
	width := y.Slice(0, min(y.Size(), 4096*lanes*4))
	first := 64
	if k.SharesCPU {
		width, first = y.Slice(0, 256*lanes*4), 1024
	}
	steps, err := m.rate(first, mostSteps, m.work(func(r *shaders.Recorder, n int) { r.FMARoofline(width, n) }))
	if err != nil {
		return s, err
	}
	s.FMA = steps * shaders.FMARooflineFLOPs * float64(width.Size()/4)

	m.serial = true
	// All write the same words, so that there is a barrier between any two.
	dispatches, err := m.rate(256, mostDispatches, m.work(func(r *shaders.Recorder, n int) {
		for range n {
			r.FMARoofline(y.Slice(0, lanes*4), 0)
		}
	}))
	if err != nil {
		return s, err
	}
	s.Dispatch = time.Duration(float64(time.Second) / dispatches)
	return s, nil
}

// buffer takes up to size bytes, a multiple of unit: less where a binding, the heap or free memory ends before.
func buffer(dev *vk.Device, a *vk.Arena, size, unit uint64) (vk.Span, error) {
	c := dev.Caps()
	size = min(size, c.ShardLimit())
	if heaps := c.HeapsOf(vk.DeviceLocal); len(heaps) > 0 {
		size = min(size, c.Heaps[heaps[0]].Size/4)
	}
	const least = 16 << 20
	for {
		x, err := a.Alloc(max(size/unit, 1) * unit)
		if err == nil || !errors.Is(err, vk.ErrOutOfMemory) || size/2 < least {
			return x, err
		}
		size /= 2
	}
}
