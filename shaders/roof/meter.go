package roof

import (
	"context"
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
	kernels *shaders.Kernels
	effort  Effort
	serial  bool // what runs next keeps one thread busy at a time: CPU time over the cores says nothing about it
}

// sample is one run of a program: its time by the device's timestamps (0 without), on the wall, and of the CPUs in this
// process (0 where the system does not say).
type sample struct{ device, wall, cpu time.Duration }

// rate finds how many units of work a second the device does, where record records n of them: first units to start with,
// more until a run takes long enough to be timed.
func (m *meter) rate(first int, record func(r *shaders.Recorder, n int)) (float64, error) {
	const most = 1 << 30 // steps are counted in 32 bits
	n := first
	for {
		p, err := m.program(n, record)
		if err != nil {
			return 0, err
		}
		samples, err := m.runs(p, 2) // the first run may compile
		if err == nil && (seconds(m.dev.Caps(), samples)[1] >= m.effort.Least.Seconds() || n >= most) {
			samples, err = m.runs(p, m.effort.Reps)
			p.Free()
			if err != nil {
				return 0, err
			}
			return float64(n) / median(seconds(m.dev.Caps(), samples)), nil
		}
		p.Free()
		if err != nil {
			return 0, err
		}
		took := max(seconds(m.dev.Caps(), samples)[1], 1e-6)
		// A fifth over, so that one step is enough; at most 64 times as much, should the first run have been no measure.
		n = int(min(float64(n)*min(max(1.2*m.effort.Least.Seconds()/took, 2), 64), most))
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
	r := m.kernels.Record("roof")
	r.Profile()
	record(r, n)
	return r.End()
}

func (m *meter) runs(p *vk.Program, n int) ([]sample, error) {
	list := make([]sample, n)
	for i := range list {
		wall, cpu := time.Now(), cpuTime()
		if err := m.dev.Run(m.ctx, vk.RunOptions{}, p); err != nil {
			return nil, err
		}
		list[i] = sample{device: p.Took(), wall: time.Since(wall), cpu: cpuTime() - cpu}
		if m.serial {
			list[i].cpu = 0
		}
	}
	return list, nil
}

// driverThreads is how many threads a driver that runs on the CPU is taken to use at most: lavapipe and SwiftShader stop
// at 16 or more.
const driverThreads = 16

// seconds is the time of each sample. On a GPU its own timestamps tell, else the wall. Where the device is the CPU, other
// processes take their share of it, so what counts is the CPU time spent, spread over all cores; a driver that uses more
// threads than assumed shows on the wall.
func seconds(c vk.Caps, samples []sample) []float64 {
	cores := float64(min(runtime.GOMAXPROCS(0), driverThreads))
	list := make([]float64, len(samples))
	for i, s := range samples {
		switch {
		case c.IsCPU() && s.cpu > 0:
			list[i] = min(s.cpu.Seconds()/cores, s.wall.Seconds())
		case !c.IsCPU() && s.device > 0:
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
