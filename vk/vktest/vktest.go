// Package vktest opens the devices that tests need, and makes them small or faulty. Which drivers are visible comes from the environment
// (VK_ICD_FILENAMES); tests only name devices.
package vktest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/internal/seam"
)

// required are parts of the names of the devices that every test runs on: two software drivers that differ in nearly
// every limit, so that what passes on both depends on neither.
var required = []string{"llvmpipe", "SwiftShader"}

// Names returns the devices that tests run on: the required ones less those that MUNINN_SKIP_DEVICES names, separated by
// commas.
func Names() []string {
	for _, v := range []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_INSTANCE_LAYERS"} {
		_ = os.Getenv(v) // so that Go's test cache knows what the loader, which is C, reads
	}
	skip := strings.Split(strings.ToLower(os.Getenv("MUNINN_SKIP_DEVICES")), ",")
	return slices.DeleteFunc(slices.Clone(required), func(name string) bool {
		return slices.ContainsFunc(skip, func(s string) bool { return strings.TrimSpace(s) == strings.ToLower(name) })
	})
}

// Open opens a device by a part of its name and closes it when the test ends. A device that is missing, or that is closed
// with something left unfreed, fails the test.
func Open(t testing.TB, name string, opt vk.Options) *vk.Device {
	t.Helper()
	opt.Device = name
	d, err := vk.Open(opt)
	if err != nil {
		t.Fatalf("open %s: %v (set VK_ICD_FILENAMES so that its driver is found, or name it in MUNINN_SKIP_DEVICES)", name, err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close %s: %v", name, err)
		}
	})
	return d
}

// Each runs a test on every device of Names.
func Each(t *testing.T, test func(t *testing.T, d *vk.Device)) {
	t.Helper()
	EachWith(t, vk.Options{}, test)
}

// OnFirst runs a test on the first device of Names: what it shows, no device decides.
func OnFirst(t *testing.T, test func(t *testing.T, d *vk.Device)) {
	t.Helper()
	name := Names()[0]
	t.Run(name, func(t *testing.T) { test(t, Open(t, name, vk.Options{})) })
}

// EachWith is Each with options.
func EachWith(t *testing.T, opt vk.Options, test func(t *testing.T, d *vk.Device)) {
	t.Helper()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) { test(t, Open(t, name, opt)) })
	}
}

// Limited returns the options with limits lowered before the device is used.
func Limited(opt vk.Options, lower func(*vk.Caps)) vk.Options {
	seam.OfOptions(&opt).Limits = func(c any) { lower(c.(*vk.Caps)) }
	return opt
}

// Staged returns the options with every transfer going through staging memory, as on a GPU whose memory the host cannot map.
func Staged(opt vk.Options) vk.Options {
	seam.OfOptions(&opt).ForceStaging = true
	return opt
}

// Fault is a place where a device can be made to fail.
type Fault = seam.Fault

// Places where a device can be made to fail.
const (
	Submit   = seam.Submit   // device lost at a submission
	Wait     = seam.Wait     // device lost while waiting
	Alloc    = seam.Alloc    // out of device memory when an arena or staging grows
	Pipeline = seam.Pipeline // a pipeline that does not compile
)

// Fail makes the nth call from now at a place fail, 1 being the next one; 0 takes it back.
func Fail(d *vk.Device, at Fault, n int) { seam.OfDevice(d).Fail(at, n) }

// Op is a command of a program that runs.
type Op = seam.Op

// Watch has all that is run from now on told, in order, by the goroutine that runs it; nil ends it.
func Watch(d *vk.Device, told func(Op)) {
	if told == nil {
		seam.OfDevice(d).Watch.Store(nil)
		return
	}
	seam.OfDevice(d).Watch.Store(&told)
}

// Compiling has each pipeline told before it is made, by whoever makes it, and whether nobody waits for it yet; nil ends it.
func Compiling(d *vk.Device, told func(kernel string, ahead bool)) {
	if told == nil {
		seam.OfDevice(d).Compiling.Store(nil)
		return
	}
	seam.OfDevice(d).Compiling.Store(&told)
}

// DropBarriers makes programs ended from now on leave out their inferred barriers.
func DropBarriers(d *vk.Device) { seam.OfDevice(d).DropBarriers.Store(true) }

// Clock has a function change what the device's clock says from now on: the timestamps of each program that is timed.
func Clock(d *vk.Device, lie func(ticks []uint64)) { seam.OfDevice(d).Clock.Store(&lie) }
