package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"muninn/model/checkpoint"
	"muninn/model/fit"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/shaders/roofline"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
)

// Options say how a model is opened. The zero value takes the best device and makes the model fit it.
type Options struct {
	Device  string            // index, type or part of a name, as vk.Select takes it; "" means the best
	Weights checkpoint.Scheme // formats; without Quant what is stored, or what fits
	Session SessionOptions    // wanted; 0 means the model's own, or what fits
	Fit     Fit

	CacheDir string // keeps compiled kernels, measured speeds and quantized weights; "" means store.CacheDir()
	NoCache  bool   // keeps nothing
	// KeepNoWeights has weights quantized as they are loaded, each time.
	KeepNoWeights bool
	Kernels       shaders.Options
	// Greedy is for models of which nothing but greedy decoding at one depth is asked: the kernels of anything else are not tested.
	Greedy bool
	// NoSelfTest takes the device's results as right; wrong ones would not show. Else a few cases of each kernel are tested at the first
	// start with a driver.
	NoSelfTest bool
	SelfTest   selftest.Pass         // how; nil: in this process, which a driver that crashes takes along
	Testing    func(done, total int) // told how far that is, 0 of 0 in the end; nil: nobody asks
	// Tune is how much is measured of how the device's kernels are best taken, once for a driver and a model's matrices.
	Tune    tune.Level
	Retune  bool                  // even where an earlier start has
	Tuning  func(done, total int) // told how far that is, 0 of 0 in the end; nil: nobody asks
	Profile bool                  // times every dispatch

	Note     func(text string) // told what was chosen, and what is odd about the files; nil: nobody asks
	Progress store.Progress    // told how far long work is; nil: nobody asks
}

// Fit says what may be chosen so that a model fits its device: what is not fixed here or by Weights.Quant.
type Fit struct {
	Off                          bool // take everything as given
	FixContext, FixLookup, FixKV bool // of Session
	Least                        int  // positions that a chosen context must have
}

// Choose returns what is chosen for a device of some limits, and the memory that it takes there. Nothing is opened.
func (o Options) Choose(ck *checkpoint.Checkpoint, caps vk.Caps) (fit.Choice, error) {
	w := fit.Wish{Context: o.Session.Context, ContextFixed: o.Fit.FixContext, Least: o.Fit.Least, Session: o.Session}
	if o.Weights.Quant != "" {
		w.Quant = &o.Weights.Quant
	}
	if o.Fit.FixKV || o.Fit.Off {
		w.KV = &o.Session.KV
	}
	if (o.Fit.FixLookup || o.Fit.Off) && o.Session.Lookup.Rule != 0 {
		w.Lookup = &o.Session.Lookup
	}
	choose := fit.Choose
	if o.Fit.Off {
		choose = fit.Given
	}
	return choose(fit.Of(ck, o.Weights), caps, w)
}

// sized is the session that was chosen.
func (o Options) sized(c fit.Choice) SessionOptions {
	s := o.Session
	s.Context, s.Lookup, s.KV = c.Context, c.Lookup, c.KV
	if c.Rows > 0 {
		s.Rows = c.Rows
	}
	return s
}

// OpenDevice opens the device that the options name and notes which it is and why. Closing it is the caller's.
func OpenDevice(o Options) (*vk.Device, error) {
	dir := o.verdicts()
	if dir != "" && os.MkdirAll(dir, 0o700) != nil {
		dir = "" // kernels are compiled, and speeds measured, at every start
	}
	dev, err := vk.Open(vk.Options{Device: o.Device, CacheDir: dir})
	if err != nil {
		return nil, err
	}
	c := dev.Caps()
	o.note(fmt.Sprintf("device %d: %s (%s, %s); %s", c.Index, c.Name, c.Type, c.Driver, dev.Why()))
	if c.IsCPU() {
		o.note("this device is a software driver that runs on the CPU, not a GPU: fine for the demo, slow for anything larger")
	}
	return dev, nil
}

// calibrate has the device's work cut by what it was measured to reach, at the first start on it. Without a measurement it
// is cut by what such devices reach at least.
func (o Options) calibrate(ctx context.Context, dev *vk.Device) error {
	_, err := roofline.Calibrate(ctx, dev)
	if ctx.Err() != nil || errors.Is(err, vk.ErrDeviceLost) {
		return err
	}
	if err != nil {
		o.note(fmt.Sprintf("the device's speed could not be measured: %v", err))
	}
	return nil
}

func (o Options) folder() string {
	switch {
	case o.NoCache:
		return ""
	case o.CacheDir == "":
		return store.CacheDir()
	}
	return o.CacheDir
}

func (o Options) cache() store.Cache {
	c := store.Cache{Note: func(format string, args ...any) { o.note(fmt.Sprintf(format, args...)) }, Progress: o.progress}
	if base := o.folder(); base != "" && !o.KeepNoWeights {
		c.Dir = filepath.Join(base, store.WeightsDir)
	}
	return c
}

func (o Options) note(texts ...string) {
	for _, t := range texts {
		if o.Note != nil {
			o.Note(t)
		}
	}
}

func (o Options) progress(what string, total int64) (set func(done, total int64), end func()) {
	if o.Progress == nil {
		return nil, func() {}
	}
	return o.Progress(what, total)
}
