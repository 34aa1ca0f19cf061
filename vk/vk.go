// Package vk runs compute kernels on Vulkan 1.1 devices. It is the only package of the program that talks to Vulkan.
//
// A Device is opened from a list of Caps, which are plain data. Memory comes from arenas as Spans. A Kernel is a
// SPIR-V module whose bindings are read from the module itself. A Program is a list of recorded ops with the barriers
// inferred from what each op reads and writes; it is recorded once and run any number of times, in submissions that are
// predicted to stay below 150 ms each, from what the device was measured to reach; ops predicted above a third of that are cut.
//
// Only storage buffers in descriptor set 0, push constants and 32-bit specialization constants are used, and no device
// feature is needed. Without cgo the package compiles, and opening a device gives ErrNoCgo.
package vk

import "muninn/vk/internal/seam"

// Options tells how a device is opened.
type Options struct {
	// Device is what Select takes: empty for the best device, an index, a type, a UUID or a part of the name.
	Device string
	// CacheDir is the directory where the pipeline cache and the measured speed are kept; empty for none.
	CacheDir string

	test seam.Options
}

func init() {
	seam.OfOptions = func(o any) *seam.Options { return &o.(*Options).test }
	seam.OfDevice = func(d any) *seam.Device { return &d.(*Device).drv.test }
}

// KernelOptions are the choices made when a kernel is compiled for a device.
type KernelOptions struct {
	// Spec holds the values of specialization constants 0, 1, 2 and so on, as 32-bit words. A
	// constant that the compiled kernel lacks is passed over: optimizers drop unused ones.
	Spec []uint32
	// SubgroupSize requires a subgroup size in invocations; 0 leaves it to the driver.
	SubgroupSize uint32
	// Compiling is called with the kernel's name when it begins to be compiled, by one goroutine at a time; nil: nobody asks.
	Compiling func(name string)
}

// RunOptions tells how programs are grouped into submissions.
type RunOptions struct {
	// PerSubmit is the largest number of programs in a submission; 0 for as many as the time budget holds.
	PerSubmit int
	// Progress is called after each submission with how many command buffers have been submitted of all; nil: nobody asks.
	Progress func(done, total int)
}

// Counters count what a device has executed since it was opened.
type Counters struct {
	Dispatches  uint64 // dispatches submitted, direct and indirect
	Submissions uint64 // queue submissions, staging included
	Recordings  uint64 // command buffers recorded
	Barriers    uint64 // barriers submitted
	BytesUp     uint64 // bytes sent to the device: writes, and copies out of Upload arenas
	BytesDown   uint64 // bytes brought back: reads, and copies into Readback arenas
	DeviceBytes uint64 // bytes of device memory allocated now, of every kind
	Allocations uint64 // device memory allocations held now
}

// count adds to the device's counters.
func (d *Device) count(more Counters) {
	d.counting.Lock()
	defer d.counting.Unlock()
	c := &d.counters
	c.Dispatches += more.Dispatches
	c.Submissions += more.Submissions
	c.Recordings += more.Recordings
	c.Barriers += more.Barriers
	c.BytesUp += more.BytesUp
	c.BytesDown += more.BytesDown
	c.DeviceBytes += more.DeviceBytes
	c.Allocations += more.Allocations
}
