package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/cmd/muninn/serve"
	"muninn/model"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/fit"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
)

// servedContext is the positions of a request where --ctx does not say.
const servedContext = 4096

// servedScores is the tokens of prompts whose likelihoods a pass gives.
const servedScores = 64

// tracedRows is how many tokens a trace takes through their core steps at once: each has logits then.
const tracedRows = 32

// specs plans all models for the device, as if each had it alone, and prints the plans. memory is what there is for all.
func (o *serveOptions) specs(ctx context.Context, s *cli.Streams, log *slog.Logger, names []string) (specs []serve.Spec, memory uint64, err error) {
	caps, err := o.planned(o.deviceOptions)
	if err != nil {
		return nil, 0, err
	}
	ids := map[string]bool{}
	for _, name := range names {
		spec, room, err := o.spec(ctx, s, log, name, caps)
		if err != nil {
			return nil, 0, o.doesNotFit(err)
		}
		if ids[spec.ID] {
			return nil, 0, cli.Usage("two models are called %s: serve them from folders of different names", spec.ID)
		}
		ids[spec.ID], memory = true, room
		specs = append(specs, spec)
	}
	return specs, memory, nil
}

// spec plans one model.
func (o *serveOptions) spec(ctx context.Context, s *cli.Streams, log *slog.Logger, name string, caps vk.Caps) (spec serve.Spec, memory uint64, err error) {
	ck, err := o.checkpoint(ctx, s, name)
	if err != nil {
		return spec, 0, err
	}
	defer ck.Close()
	m, opening, err := o.served(s, ck)
	if err != nil {
		return spec, 0, err
	}
	choice, err := opening.Choose(ck, caps)
	if err != nil {
		return spec, 0, err
	}
	opening.Weights = opening.Weights.With(choice.Quant)
	size := &opening.Session
	if size.Context, size.Lookup, size.KV = choice.Context, choice.Lookup, choice.KV; choice.Rows > 0 {
		size.Rows = choice.Rows
	}
	if size.Positions == 0 {
		size.Positions = size.Sequences * shaders.PagesOf(size.Context) * shaders.PagePositions
	}
	size.Context = min(size.Context, shaders.PagesOf(size.Positions)*shaders.PagePositions) // more a request could not have
	m.ID, m.Context, m.Lookup, m.Weights = store.Name(name), size.Context, size.Lookup.String(), fit.Of(ck, opening.Weights).QuantName(choice.Quant)
	m.Memory = choice.Plan.Device
	if o.asked() {
		planTable(s, ck.Config, caps, choice)
	} else {
		parts := map[string]uint64{}
		for _, l := range choice.Plan.Lines {
			parts[l.Group] += l.Bytes
		}
		log.Info(fmt.Sprintf("plan of %s: %s of %d positions, %d core steps at most; %s. Weights %s, KV cache %s, scratch %s", m.ID, cli.Plural(o.Parallel, "request"), size.Context,
			m.MaxSteps, choice.Why, fit.Size(parts["weights"]), fit.Size(parts["kv"]), fit.Size(parts["scratch"])))
	}
	opening.Fit = model.Fit{Off: true}
	spec = serve.Spec{ID: m.ID, About: &m, Need: choice.Plan.Device, Open: func(ctx context.Context, progress func(float64)) (*serve.Model, error) {
		return o.openServed(ctx, name, opening, m, progress)
	}}
	if strings.Count(name, "/") == 1 && !strings.ContainsAny(name[:1], `./~`) { // as a hub names it
		spec.Also = []string{name}
	}
	return spec, choice.Space.Room(), nil
}

// served is how a model is asked where a request does not say, and how it is opened.
func (o *serveOptions) served(s *cli.Streams, ck *checkpoint.Checkpoint) (m serve.Model, opening model.Options, err error) {
	c := ck.Config
	m = serve.Model{Config: c, Parallel: o.Parallel, Queue: o.Queue, InitScale: o.InitScale, Fixed: o.chosen("seed"), ParseSpecial: o.ParseSpecial}
	if m.Steps, m.MaxSteps, m.Strategy, err = o.depths(c); err != nil {
		return m, opening, err
	}
	m.Prefill = o.prefill || m.Strategy.Exit != nil && m.Strategy.Exit.Prefill
	if m.Pick, err = o.filters(s, ck.Generation); err != nil {
		return m, opening, err
	}
	o.texts = o.Parallel
	session, err := o.session(c, servedContext, m.MaxSteps, m.Strategy)
	if err != nil {
		return m, opening, err
	}
	session.Outputs = max(session.Outputs, o.Parallel, tracedRows, serve.WaveWidth)
	if (decode.Strategy{Wave: &decode.PaperWave}).FitsModel(c) == nil {
		session.Compares = serve.WaveWidth
	}
	session.Exits, session.Readouts, session.Positions, session.Scores = true, session.Readouts || c.ExitGate(), o.Positions, servedScores
	if c.PrefixLM { // questions are read in one pass
		session.Rows = max(session.Rows, session.Context)
	}
	scheme, err := o.scheme()
	if err != nil {
		return m, opening, err
	}
	activations, err := shaders.ParseActivations(o.Activations)
	if err != nil {
		return m, opening, cli.AsUsage(err)
	}
	opening = o.opening(s)
	opening.Weights, opening.Session, opening.Fit = scheme, session, o.wish(session, 0)
	opening.KeepNoWeights, opening.Kernels = o.NoCache, shaders.Options{Activations: activations}
	return m, opening, nil
}

// depths are the core steps of a token, and the most that a request may ask for. Prompts take all of them, so that what is held of one serves the next, unless
// a flag says otherwise.
func (o *serveOptions) depths(c arch.Config) (steps, most int, strategy decode.Strategy, err error) {
	if steps = c.MeanRecurrence; o.Depth >= 0 {
		steps = o.Depth
	}
	if most = o.MaxSteps; most == 0 {
		if most = 2 * c.MeanRecurrence; c.MostSteps() > 0 {
			most = c.MostSteps()
		}
		most = max(most, steps)
	}
	if steps > most {
		return 0, 0, strategy, cli.Usage("--num-steps %d: requests may have --max-steps %d", steps, most)
	}
	if err := errors.Join(checkSteps(steps), checkSteps(most)); err != nil {
		return 0, 0, strategy, err
	}
	strategy, err = o.strategy(c, steps, nil)
	if strategy.Exit != nil && !o.given("do-not-exit-in-prefill") {
		strategy.Exit.Prefill = false
	}
	return steps, most, strategy, err
}

// openServed opens a model as it was planned.
func (o *serveOptions) openServed(ctx context.Context, name string, opening model.Options, m serve.Model, progress func(float64)) (*serve.Model, error) {
	shown := opening.Progress
	opening.Progress = func(what string, total int64) (func(done, total int64), func()) {
		set, end := shown(what, total)
		return func(done, total int64) {
			set(done, total)
			progress(float64(done) / float64(max(total, 1)))
		}, end
	}
	on, err := model.Open(ctx, name, opening)
	if err != nil {
		return nil, o.named(err)
	}
	session, err := on.NewSession(on.Size)
	if err != nil {
		return nil, errors.Join(err, on.Close())
	}
	m.Text, m.Device = on.Text, describe(on.Device().Caps())
	// A request has no more answers under way than run at all, so that its places are enough.
	m.Engine = serve.Loop{Loop: engine.NewLoop(session, engine.LoopOptions{Queue: (o.Queue + o.Parallel) * o.Parallel}), Of: on}
	return &m, nil
}
