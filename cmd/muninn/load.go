package main

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"muninn/model"
	"muninn/vk"
)

// progress is a bar on a terminal, for the Progress of what takes long; done takes it away.
func progress(s *streams, what string, total int64) (report func(done, total int64), done func()) {
	if s.quiet || !isTerminal(s.err) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(s.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
	// A bar that cannot be drawn must not stop the work.
	return func(done, _ int64) { _ = bar.Set64(min(done, total)) }, func() { _ = bar.Clear() }
}

// loadModel copies a checkpoint to the device, with a progress bar on a terminal. It returns the time taken.
func loadModel(s *streams, name string, ck *model.Checkpoint, dev *vk.Device, o model.Options) (*model.Model, time.Duration, error) {
	var done func()
	o.Progress, done = progress(s, "loading "+name, ck.Size())
	start := time.Now()
	m, err := model.Load(ck, dev, o)
	took := time.Since(start)
	done()
	if err == nil {
		s.note("model %s (%v): %s in %.1f s", name, m.Config, size(m.WeightBytes()), took.Seconds())
	}
	return m, took, err
}
