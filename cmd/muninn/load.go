package main

import (
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
)

// openModel opens what a user named, and says what is to be known about its files.
func openModel(s *cli.Streams, path string) (*checkpoint.Checkpoint, error) {
	ck, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	for _, n := range ck.Notes {
		s.Note("%s", n)
	}
	return ck, nil
}

// loadModel copies a checkpoint to the device, with a progress bar on a terminal. It returns the time taken.
func loadModel(s *cli.Streams, name string, ck *checkpoint.Checkpoint, dev *vk.Device, o engine.LoadOptions) (*engine.Model, time.Duration, error) {
	bar := cli.NewProgress(s, "loading "+name, ck.Size(), true)
	o.Progress = bar.Set
	start := time.Now()
	m, err := engine.Load(ck, dev, o)
	took := time.Since(start)
	bar.Done()
	if err == nil {
		s.Note("model %s (%v): %s in %.1f s", name, m.Config, cli.Size(m.WeightBytes()), took.Seconds())
	}
	return m, took, err
}
