package roofline

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"muninn/shaders"
	"muninn/vk"
)

// meter times programs on one device.
type meter struct {
	ctx     context.Context
	dev     *vk.Device
	caps    vk.Caps
	kernels *shaders.Kernels
	effort  Effort
	serial  bool // what runs next keeps one thread busy at a time: CPU time over the cores says nothing about it

	wallOnly bool // the device's timestamps were caught out
}

// sample is one run of a program: its time by the device's timestamps (0 without), on the wall, and of the CPUs in this
// process (0 where the system does not say).
type sample struct{ device, wall, cpu time.Duration }

// Bounds of a measurement, whatever the device's timestamps say: a try that is predicted to take longer on the wall than
// longest times the least time of a repetition is not made, one that took half of that is the last.
const (
	longest        = 16
	mostDispatches = 1 << 14 // recorded: each takes memory of the host
	mostSteps      = 1 << 30 // within a dispatch: counted in 32 bits
)

// rate finds how many units of work a second the device does, where run does n of them so many times: first units to start
// with, more until a run takes long enough to be timed, at most most.
func (m *meter) rate(first, most int, run func(n, times int) ([]sample, error)) (float64, error) {
	least := m.effort.Least
	for n := first; ; {
		samples, err := run(n, 2) // the first run may compile
		if err != nil {
			return 0, err
		}
		s := samples[1]
		late := s.wall >= least*longest/2
		// What the device says of itself must fit the host's clock.
		m.wallOnly = m.wallOnly || s.device > s.wall || late && s.device > 0 && s.device < least
		took := seconds(m.caps, samples, m.wallOnly)[1]
		if took < least.Seconds() && !late && n < most {
			// A fifth over, so that one step is enough; at most 64 times as much, should the first run have been no measure.
			more := min(1.2*least.Seconds()/max(took, 1e-6), 64, longest*least.Seconds()/max(s.wall.Seconds(), 1e-6))
			n = int(min(float64(n)*max(more, 2), float64(most)))
			continue
		}
		if took < least.Seconds()/16 && !late {
			return 0, fmt.Errorf("%d units of work took %v and the device says %v, which is too short to be timed", n, s.wall, s.device)
		}
		if samples, err = run(n, m.effort.Reps); err != nil {
			return 0, err
		}
		return float64(n) / median(seconds(m.caps, samples, m.wallOnly)), nil
	}
}

// work is a run for rate of what record records.
func (m *meter) work(record func(r *shaders.Recorder, n int)) func(n, times int) ([]sample, error) {
	return func(n, times int) ([]sample, error) {
		p, err := m.program(n, record)
		if err != nil {
			return nil, err
		}
		defer p.Free()
		return m.runs(p, times)
	}
}

// warm keeps the device busy for a while.
func (m *meter) warm(record func(r *shaders.Recorder, n int)) error {
	p, err := m.program(1, record)
	if err != nil {
		return err
	}
	defer p.Free()
	for start := time.Now(); time.Since(start) < m.effort.Warm; {
		if _, err := m.runs(p, 1); err != nil {
			return err
		}
	}
	return nil
}

func (m *meter) program(n int, record func(r *shaders.Recorder, n int)) (*vk.Program, error) {
	r := m.kernels.Record("roofline")
	r.Profile()
	record(r, n)
	return r.End()
}

func (m *meter) runs(p *vk.Program, n int) ([]sample, error) {
	list := make([]sample, n)
	for i := range list {
		wall, cpu := time.Now(), CPUTime()
		if err := m.dev.Run(m.ctx, vk.RunOptions{}, p); err != nil {
			return nil, err
		}
		list[i] = sample{device: p.Took(), wall: time.Since(wall), cpu: CPUTime() - cpu}
		if m.serial {
			list[i].cpu = 0
		}
	}
	return list, nil
}

// driverThreads is how many threads a driver that runs on the CPU is taken to use at most: lavapipe and SwiftShader stop
// at 16 or more.
const driverThreads = 16

// seconds is the time of each sample. On a GPU its own timestamps tell unless they are not believed, else the wall. Where the device is the CPU, other
// processes take their share of it, so what counts is the CPU time spent, spread over all cores; a driver that uses more
// threads than assumed shows on the wall.
func seconds(c vk.Caps, samples []sample, wallOnly bool) []float64 {
	cores := float64(min(runtime.GOMAXPROCS(0), driverThreads))
	list, own := make([]float64, len(samples)), shaders.SharesCPU(c)
	for i, s := range samples {
		switch {
		case own && s.cpu > 0:
			list[i] = min(s.cpu.Seconds()/cores, s.wall.Seconds())
		case !own && !wallOnly && s.device > 0:
			list[i] = s.device.Seconds()
		default:
			list[i] = s.wall.Seconds()
		}
	}
	return list
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
