// Package seam is what tests may do to a device that no caller may: package vk obeys it, package vktest hands it out, and
// nothing outside vk can import it.
package seam

import "sync/atomic"

// Options belong to the options that a device is opened with.
type Options struct {
	// Limits may lower limits before the device is used, to force small shards, blocks or budgets. It is given the *vk.Caps.
	Limits func(caps any)
	// ForceStaging sends every transfer through staging memory, as on a GPU whose memory the host cannot map.
	ForceStaging bool
}

// Fault is a place where a failure can be injected.
type Fault int

const (
	Submit   Fault = iota // device lost at a submission
	Wait                  // device lost while waiting
	Alloc                 // out of device memory when an arena or staging grows
	Pipeline              // a pipeline that does not compile
	faults
)

// Device is what is done to an open device.
type Device struct {
	DropBarriers atomic.Bool                                   // programs ended from now on leave out their inferred barriers
	Clock        atomic.Pointer[func([]uint64)]                // changes what the device's clock says: the timestamps of a program
	Watch        atomic.Pointer[func(Op)]                      // is told of all that is run
	Compiling    atomic.Pointer[func(name string, ahead bool)] // is told of a pipeline before it is made
	calls        [faults]atomic.Int64                          // until the failure, 0 for none
}

// Op is a command of a program that runs.
type Op struct {
	Kernel       string   // or "copy", "fill"
	Spec         []uint32 // its specialization constants
	Group        [3]uint32
	Groups       [3]uint32 // zero where the device decides
	Push         []byte
	Bytes, FLOPs float64 // its estimated work
	Barrier      bool    // before it
}

// Fail makes the nth call from now at a place fail, 1 being the next one; 0 takes it back.
func (d *Device) Fail(f Fault, n int) { d.calls[f].Store(int64(n)) }

// Due counts a call and tells whether it is the one to fail.
func (d *Device) Due(f Fault) bool {
	c := &d.calls[f]
	return c.Load() > 0 && c.Add(-1) == 0
}

// OfOptions and OfDevice find them in a *vk.Options and a *vk.Device. Package vk sets both.
var (
	OfOptions func(options any) *Options
	OfDevice  func(device any) *Device
)
