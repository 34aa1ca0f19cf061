package main

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"muninn/model"
	"muninn/shaders"
	"muninn/vk"
)

// weightFormat is the value of --quant as the model takes it; nil: as stored.
func weightFormat(quant string) (*shaders.Format, error) {
	if quant == "auto" {
		return nil, nil
	}
	f, err := shaders.ParseFormat(quant)
	return &f, err
}

// loadModel copies a checkpoint to the device, with a progress bar on a terminal. It returns the time taken.
func loadModel(s *streams, name string, ck *model.Checkpoint, dev *vk.Device, format *shaders.Format) (*model.Model, time.Duration, error) {
	o := model.Options{Weights: format}
	done := func() {}
	if !s.quiet && isTerminal(s.err) {
		bar := progressbar.NewOptions64(ck.Size(), progressbar.OptionSetWriter(s.err), progressbar.OptionSetDescription("loading "+name),
			progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
		// A bar that cannot be drawn must not stop the loading.
		o.Progress = func(done, _ int64) { _ = bar.Set64(min(done, ck.Size())) }
		done = func() { _ = bar.Clear() }
	}
	start := time.Now()
	m, err := model.Load(ck, dev, o)
	took := time.Since(start)
	done()
	if err == nil {
		s.note("model %s (%v): %s in %.1f s", name, m.Config, size(m.WeightBytes()), took.Seconds())
	}
	return m, took, err
}
