// Package model runs recurrent-depth language models: a prelude embeds the tokens, a core block of a few layers is
// looped num_steps times over a latent state, a coda reads the answer out.
//
// Open gives a Model. Its NewSession makes a Session, which holds the texts under way; its EncodePrompt and Generate are all that
// one text needs. NewLoop in package engine runs requests from any number of goroutines on one session. The methods are
// with the types that are named here: go doc muninn/model/engine.Model, go doc muninn/model/engine.Loop.
package model

import (
	"context"
	"errors"
	"time"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/model/fit"
	"muninn/model/store"
	"muninn/shaders/tune"
	"muninn/vk"
)

// Session holds sequences: their tokens, KV caches and live rows.
type Session = engine.Session

// SessionOptions are the size of a Session; 0 means the model's own, or what fits.
type SessionOptions = engine.SessionOptions

// Loop owns a Session and runs requests from any number of goroutines on it.
type Loop = engine.Loop

// Request is a prompt, and how it is decoded: depth, strategy, filters, where it ends.
type Request = decode.Request

// Token is a token that was decided, with its text, core steps and log probability.
type Token = decode.Token

// Model is a model on a device, and the session that fits beside it.
type Model struct {
	*engine.Model
	Size    SessionOptions         // for NewSession: as asked for, or what the device's memory holds
	Weights checkpoint.Scheme      // as loaded
	Source  *checkpoint.Checkpoint // what was loaded: the checkpoint that was opened, or its weights from the cache
	Loading time.Duration
	Tuned   tune.Result // how the kernels were chosen

	name  string
	cache store.Cache
	dev   *vk.Device
	close []func() error
}

// Open opens the model at a path, of a name in the hub cache, or named demo: the device, its self-measurement, what fits, weights
// in the wanted format, kept in the cache, and the load. Errors match checkpoint.ErrModel, fit.ErrDoesNotFit, vk.ErrNoDevice,
// vk.ErrOutOfMemory or what ctx ended with.
func Open(ctx context.Context, path string, o Options) (*Model, error) {
	ck, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	o.note(ck.Notes...)
	m, err := Load(ctx, store.Name(path), ck, o)
	if err != nil {
		return nil, errors.Join(err, ck.Close())
	}
	if m.Source == ck {
		m.close = append([]func() error{ck.Close}, m.close...)
		return m, nil
	}
	return m, ck.Close()
}

// Load is Open for a checkpoint that is open, and stays so until the model is closed.
func Load(ctx context.Context, name string, ck *checkpoint.Checkpoint, o Options) (m *Model, err error) {
	m = &Model{name: name, cache: o.cache()}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
			m = nil
		}
	}()
	if m.dev, err = OpenDevice(o); err != nil {
		return m, err
	}
	m.close = append(m.close, m.dev.Close)
	if o.Kernels.Small = Small(ck.Config); !o.Kernels.Small {
		if err = o.calibrate(ctx, m.dev); err != nil {
			return m, err
		}
	}
	m.dev.SetProfiling(o.Profile)
	m.Weights, m.Size = o.Weights, o.Session
	if !o.Fit.Off {
		choice, err := o.Choose(ck, fit.WithHost(m.dev.Caps()))
		if err != nil {
			return m, err
		}
		o.note("fit: " + choice.Why)
		m.Weights, m.Size = o.Weights.With(choice.Quant), o.sized(choice)
	}
	if o.Kernels, m.Tuned, err = o.Prepare(ctx, m.dev, ck.Config, weights.DeviceFormats(m.Weights, ck.Config, ck.Stored), m.Size); err != nil {
		return m, err
	}
	if loss, err := m.Weights.Loss(ck); err != nil {
		return m, err
	} else if loss != "" {
		o.note(name + " has " + loss)
	}
	m.Source, err = m.cache.Load(ctx, name, ck, m.Weights, func(from *checkpoint.Checkpoint) (err error) {
		set, end := o.progress("loading "+name, from.Size())
		defer end()
		start := time.Now()
		m.Model, err = engine.Load(from, m.dev, engine.LoadOptions{Weights: m.Weights, Kernels: o.Kernels, Progress: set})
		m.Loading = time.Since(start)
		return err
	})
	if err != nil {
		return m, err
	}
	if m.Source != ck {
		m.close = append(m.close, m.Source.Close)
	}
	m.close = append(m.close, func() error { m.Model.Close(); return nil })
	return m, nil
}

// smallParams are the parameters from which on it pays to measure the device, and to compile kernels for many rows. A pass over fewer
// is short by what devices of a class reach at least.
const smallParams = 8 << 20

// Small tells whether a model has fewer.
func Small(c arch.Config) bool { return c.Params() < smallParams }

// SourceKey names what was loaded: equal keys, equal weights and texts.
func (m *Model) SourceKey(ctx context.Context) (string, error) {
	return m.cache.Key(ctx, m.name, m.Source)
}

// Close frees the weights and closes the device. Sessions must be closed before.
func (m *Model) Close() error {
	var err error
	for len(m.close) > 0 {
		last := len(m.close) - 1
		err = errors.Join(err, m.close[last]())
		m.close = m.close[:last]
	}
	return err
}
