package main

import (
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/vk"
)

// loadModel copies a checkpoint to the device, with a progress bar on a terminal. It returns the time taken.
func loadModel(s *cli.Streams, name string, ck *model.Checkpoint, dev *vk.Device, o model.Options) (*model.Model, time.Duration, error) {
	bar := cli.NewProgress(s, "loading "+name, ck.Size(), true)
	o.Progress = bar.Set
	start := time.Now()
	m, err := model.Load(ck, dev, o)
	took := time.Since(start)
	bar.Done()
	if err == nil {
		s.Note("model %s (%v): %s in %.1f s", name, m.Config, cli.Size(m.WeightBytes()), took.Seconds())
	}
	return m, took, err
}
