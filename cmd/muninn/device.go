package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/shaders/roof"
	"muninn/vk"
)

// deviceOptions choose a device.
type deviceOptions struct {
	Device string
}

// AddFlags declares the flags.
func (o *deviceOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Device, "device", "", "index, part of the name, or type (discrete, integrated, virtual, cpu) of the `device`; the best one if not given")
	cli.Offer(fs, "device", "discrete", "integrated", "virtual", "cpu")
}

// choose finds the device that was asked for, or the best one.
func (o *deviceOptions) choose(list []vk.Caps) (vk.Choice, error) {
	choice, err := vk.Select(list, o.Device)
	return choice, o.named(err)
}

// named says in an error about the choice where that was made.
func (o *deviceOptions) named(err error) error {
	if o.Device == "" || !errors.Is(err, vk.ErrNoDevice) {
		return err
	}
	return fmt.Errorf("--device %s: %w", o.Device, err)
}

// openDevice opens the device that was asked for, or the best one, and says which and why. Closing it is the caller's.
func openDevice(s *cli.Streams, o deviceOptions) (*vk.Device, error) {
	dev, err := vk.Open(vk.Options{Device: o.Device, CacheDir: pipelineCache(s)})
	if err != nil {
		return nil, o.named(err)
	}
	s.Note("device %v; %s", dev.Caps(), dev.Why())
	if dev.Caps().IsCPU() {
		s.Note("this device is a software driver that runs on the CPU, not a GPU: fine for the demo, slow for anything larger")
	}
	return dev, nil
}

// calibrate has the device's work cut by what it was measured to reach, at the first start on it. Without a measurement it
// is cut by what such devices reach at least.
func calibrate(ctx context.Context, s *cli.Streams, dev *vk.Device) error {
	_, err := roof.Calibrate(ctx, dev)
	if ctx.Err() != nil || errors.Is(err, vk.ErrDeviceLost) {
		return err
	}
	if err != nil {
		s.Note("the device's speed could not be measured: %v", err)
	}
	return nil
}

// pipelineCache is the folder where drivers' compiled kernels and devices' measured speeds are kept, or empty when there is
// no place for it: then they are compiled and measured at every start.
func pipelineCache(s *cli.Streams) string {
	base := cacheBase(s)
	if base == "" {
		return ""
	}
	dir := filepath.Join(base, "pipelines")
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}
