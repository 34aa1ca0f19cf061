package main

import (
	"context"
	"errors"
	"fmt"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/fit"
	"muninn/model/store"
	"muninn/shaders"
)

// opened is a model on a device with a session, and what to close in the end.
type opened struct {
	*model.Model
	session *engine.Session
	reading *cli.Progress // of the prompt, and of what is compiled for it
}

// open opens the device, makes the planned run fit it, loads the model and begins a session. The request stops where the model
// does. What was opened is closed by Close, on an error at once.
func (o *decodeOptions) open(ctx context.Context, s *cli.Streams, ck *checkpoint.Checkpoint, p *plan, profile bool) (x *opened, err error) {
	activations, err := shaders.ParseActivations(o.Activations)
	if err != nil {
		return nil, cli.AsUsage(err)
	}
	x = &opened{}
	opening := o.opening(s)
	opening.Weights, opening.Session, opening.Fit = p.scheme, p.session, o.wish(p.session, len(p.request.Prompt))
	if o.talks {
		opening.Fit.Least = min(leastChat, p.session.Context)
	}
	opening.Profile, opening.KeepNoWeights, opening.Greedy = profile, o.NoCache, p.greedy
	opening.Kernels = shaders.Options{Activations: activations, Compiling: func(name string) { x.reading.Say("compiling " + name) }}
	if x.Model, err = model.Load(ctx, store.Name(o.Model), ck, opening); err != nil {
		return nil, o.doesNotFit(o.named(err))
	}
	p.session = x.Size
	o.noteIdle(s, ck, x.Weights)
	s.Note("model %s (%v): %s in %.1f s", o.Model, x.Config, cli.Size(x.WeightBytes()), x.Loading.Seconds())
	p.request.StopIDs = x.StopIDs()
	if x.session, err = x.NewSession(p.session); err != nil {
		return nil, errors.Join(err, x.Model.Close())
	}
	x.read(s, p)
	return x, nil
}

// read shows how the prompt is read, until reading is done with.
func (x *opened) read(s *cli.Streams, p *plan) {
	const says = "reading the prompt"
	x.reading = cli.NewProgress(s, says, int64(len(p.request.Prompt)), false)
	x.reading.Set(0, 0)
	p.request.Progress = func(done, total int) {
		x.reading.Say(says)
		x.reading.Set(int64(done), int64(total))
	}
}

// doesNotFit says what a strategy that cannot do with a smaller cache has to do with it.
func (o *decodeOptions) doesNotFit(err error) error {
	if !errors.Is(err, fit.ErrDoesNotFit) || !o.fixLookup || o.Decode != decode.SpeculativeDecoding {
		return err
	}
	return fmt.Errorf("%w\nspeculation keeps a KV slot for every core step: where one of these shares slots, decode with --decode plain", err)
}

// Close closes everything, last opened first.
func (x *opened) Close() error {
	x.reading.Done()
	x.session.Close()
	return x.Model.Close()
}
