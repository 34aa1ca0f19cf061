package vk

import "time"

// Cost is an estimate of an op's work.
type Cost struct {
	Bytes uint64 // bytes moved to and from device memory
	FLOPs uint64 // floating point operations
}

// Add returns the sum of two costs.
func (c Cost) Add(o Cost) Cost { return Cost{c.Bytes + o.Bytes, c.FLOPs + o.FLOPs} }

// Speed is what a device does at its best, in kernels that do nothing else: its roof. The planner cuts work by it.
type Speed struct {
	Read     float64       `json:"read"`     // bytes a second read from storage buffers larger than the caches
	FMA      float64       `json:"fma"`      // float32 operations a second, a multiply-add being two
	Dispatch time.Duration `json:"dispatch"` // a dispatch that does next to nothing, and the barrier after it, nanoseconds
}

// Shares of the roof that an op is planned at. Kernels for real work stay below it: they unpack weights, wait for barriers,
// read memory in less even runs, and share the device with a desktop. The worst kernel counts, not the typical one: an
// estimate that is too short may cost the device, one that is too long costs a submission. BenchmarkPredictions in shaders/roofline
// holds the kernels against them.
const (
	readShare = 0.2
	fmaShare  = 0.1
)

// classSpeed is what the slow end of a device class is taken to reach until SetSpeed tells better.
func (c Caps) classSpeed() Speed {
	switch c.Type {
	case "discrete":
		return Speed{Read: 100e9, FMA: 2e12, Dispatch: 5 * time.Microsecond}
	case "integrated", "virtual":
		return Speed{Read: 20e9, FMA: 300e9, Dispatch: 10 * time.Microsecond}
	}
	return Speed{Read: 1e9, FMA: 6e9, Dispatch: 20 * time.Microsecond}
}

// Estimate is the time that an op of the given cost is predicted to take, on the slow side: as if nothing were read while
// it computes.
func (s Speed) Estimate(c Cost) time.Duration {
	seconds := float64(c.Bytes)/(readShare*s.Read) + float64(c.FLOPs)/(fmaShare*s.FMA)
	// An absurd cost must not wrap around: a day is as good as forever.
	return s.Dispatch + time.Duration(min(seconds, 86400)*float64(time.Second))
}

// valid tells whether the figures are those of a device: between a megabyte and a petabyte a second, and so on. Anything
// else is a clock that stood still or a damaged file.
func (s Speed) valid() bool {
	return s.Read >= 1e6 && s.Read <= 1e15 && s.FMA >= 1e6 && s.FMA <= 1e17 && s.Dispatch >= 0 && s.Dispatch <= time.Second
}

// Speed is what the device's work is planned by: what SetSpeed was given, else what its class makes likely.
func (d *Device) Speed() Speed {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.speed
}

// SetSpeed tells what the device was measured to reach. Programs ended from now on are cut by it.
func (d *Device) SetSpeed(s Speed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.speed = s
}
