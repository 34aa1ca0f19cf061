package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model"
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

// opening are the options of what is opened on the device, as far as the shell has them.
func (o *deviceOptions) opening(s *cli.Streams) model.Options {
	dir, _ := s.Env("MUNINN_CACHE_DIR")
	return model.Options{Device: o.Device, CacheDir: dir, Note: func(text string) { s.Note("%s", text) },
		Progress: func(what string, total int64) (func(done, total int64), func()) {
			bar := cli.NewProgress(s, what, total, true)
			return bar.Set, bar.Done
		}}
}

// openDevice opens the device that was asked for, or the best one, and says which and why. Closing it is the caller's.
func openDevice(s *cli.Streams, o deviceOptions) (*vk.Device, error) {
	dev, err := model.OpenDevice(o.opening(s))
	return dev, o.named(err)
}
