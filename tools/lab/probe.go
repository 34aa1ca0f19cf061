package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A device that is done at once can be timed by nobody: it is given the figures of a middling GPU, so that work is cut as it would be there.
var given = vk.Speed{Read: 300e9, FMA: 10e12, Dispatch: 5 * time.Microsecond}

// dropBarriers is set for a probe whose programs have no barriers, in which the validation layer must find hazards.
const dropBarriers = "MUNINN_LAB_DROP_BARRIERS"

// tokensOnly is set for a probe that only decodes a token of each model, and counts.
const tokensOnly = "MUNINN_LAB_TOKENS"

// probe runs the engine on the one device that there is: the demo as it is stored, also on the kernels that are fallen back to, and
// Huginn's shape in the formats that people take.
func probe(ctx context.Context, r *result) (err error) {
	dev, err := vk.Open(vk.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	dev.SetSpeed(given)
	kernels, err := shaders.New(dev, shaders.Options{})
	if err != nil {
		return err
	}
	r.Device, r.Driver, r.Subgroup, r.Choices = dev.Caps().Name, dev.Caps().Driver, kernels.Subgroup, kernels.Settings()
	if os.Getenv(tokensOnly) != "" {
		r.Tokens, err = countTokens(ctx, dev, kernels)
		return err
	}
	ck, err := store.Open(store.DemoName)
	if err != nil {
		return err
	}
	defer ck.Close()
	blind := os.Getenv(dropBarriers) != ""
	if blind {
		vktest.DropBarriers(dev)
	}
	for _, o := range []shaders.Options{{}, {Reduction: shaders.SharedMemory, Separate: true}} {
		m, err := engine.Load(ck, dev, engine.LoadOptions{Kernels: o})
		if err = all(ctx, m, err); err != nil || blind {
			return err
		}
	}
	shape, err := arch.ParseShape("huginn")
	layer, err2 := arch.ParseShape("5280,55,17920,1024,0,1,0")
	err = errors.Join(err, err2)
	if err := aRun(ctx, dev, shape.Config, layer.Config); err != nil {
		return fmt.Errorf("a run: %w", err)
	}
	for _, quant := range []string{"q4_0", "q8_0", "auto"} {
		scheme, err2 := checkpoint.ParseScheme(quant, "")
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		m, err := engine.Random(shape.Config, dev, engine.LoadOptions{Weights: scheme})
		if errors.Is(err, vk.ErrOutOfMemory) { // then one layer of it: the kernels are the same
			m, err = engine.Random(layer.Config, dev, engine.LoadOptions{Weights: scheme})
		}
		if err = all(ctx, m, err); err != nil {
			return fmt.Errorf("huginn in %s: %w", quant, err)
		}
	}
	return families(ctx, dev)
}

// What the probe writes between the layer's lines before and after the pipelines of a run.
const runBegins, runEnds = "# a run", "# all else"

// aRun compiles what a user waits for who runs Huginn in q4_0: a prompt, and tokens that are drawn.
func aRun(ctx context.Context, dev *vk.Device, c, layer arch.Config) error {
	mark := func(text string) error {
		f, err := os.OpenFile(os.Getenv("MUNINN_LAB_STATS"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text + "\n")
		return errors.Join(err, f.Close())
	}
	scheme, err := checkpoint.ParseScheme("q4_0", "")
	if err = errors.Join(err, mark(runBegins)); err != nil {
		return err
	}
	m, err := engine.Random(c, dev, engine.LoadOptions{Weights: scheme})
	if errors.Is(err, vk.ErrOutOfMemory) { // the kernels are the same
		m, err = engine.Random(layer, dev, engine.LoadOptions{Weights: scheme})
	}
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{Context: 64, MaxSteps: 4})
	if err != nil {
		return err
	}
	defer s.Close()
	pick := &decode.Filters{Temperature: 0.8, TopK: 40, TopP: 0.9}
	_, err = s.Prefill(ctx, 0, make([]int32, 40), 4, pick)
	_, err2 := s.Prefill(ctx, 0, make([]int32, 1), 4, pick)
	return errors.Join(err, err2, mark(runEnds))
}

// families runs a layer or two of the other families' blocks, in 8 bits as people take them.
func families(ctx context.Context, dev *vk.Device) error {
	scheme, err := checkpoint.ParseScheme("q8_0", "")
	if err != nil {
		return err
	}
	for _, name := range []string{"ouro-1.4b", "hrm-1b", "nanbeige-3b", "llama-1b-r", "olmo-1b-r"} {
		shape, err := arch.ParseShape(name)
		if err != nil {
			return err
		}
		c := shape.Config
		c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda = min(c.NLayersInPrelude, 1), 2, min(c.NLayersInCoda, 1)
		c.VocabSize, c.PaddedVocabSize = 1024, 1024
		m, err := engine.Random(c, dev, engine.LoadOptions{Weights: scheme})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s, err := m.NewSession(engine.SessionOptions{Context: 96, Rows: 80, MaxSteps: 4, Exits: true, Readouts: c.ExitGate(), KV: shaders.KVF16})
		if err == nil {
			err = passes(ctx, m.Config, s, 31)
			s.Close()
		}
		m.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// all runs a model, if it was made, in each format of the KV cache, and closes it. What comes of it means nothing.
func all(ctx context.Context, m *engine.Model, err error) error {
	if err != nil {
		return err
	}
	defer m.Close()
	for _, kv := range shaders.KVTypes() {
		s, err := m.NewSession(engine.SessionOptions{Context: 96, Rows: 80, MaxSteps: 4, Exits: true, KV: kv})
		if err != nil {
			return err
		}
		err = passes(ctx, m.Config, s, 1+7*min(int(kv), 1))
		s.Close()
		if err != nil {
			return fmt.Errorf("cache in %v: %w", kv, err)
		}
	}
	return nil
}

// passes runs a prompt, decoding, every exit, and prompts of 1 to 32 rows, or of some numbers between, and of more.
func passes(ctx context.Context, c arch.Config, s *engine.Session, between int) error {
	run := func(n, steps int, pick *decode.Filters) error {
		_, err := s.Prefill(ctx, 0, make([]int32, n), steps, pick)
		return err
	}
	drawn := &decode.Filters{Temperature: 0.8, TopK: 40, TopP: 0.9, RepetitionPenalty: 1.1}
	err := errors.Join(run(20, 4, nil), run(1, 4, nil), run(20, 4, drawn), run(1, 4, drawn))
	for _, criterion := range decode.CriteriaOf(c) {
		a := &decode.Task{Rows: []decode.TaskRow{{Pos: s.Pos(0), Token: 1, Begin: true}}, Steps: 4, Exit: &decode.Exit{Criterion: criterion.Name}, Outputs: 1}
		err = errors.Join(err, s.Do(ctx, a))
	}
	if c.ExitGate() {
		a := &decode.Task{Rows: []decode.TaskRow{{Pos: s.Pos(0), Token: 1, Begin: true}}, Steps: 4, Readout: decode.Readout{Kind: decode.ReadWeighted}, Outputs: 1}
		err = errors.Join(err, s.Do(ctx, a))
	}
	for _, n := range []int{48, 80} { // tiles for more rows
		err = errors.Join(err, s.Rewind(0, 0), run(n, 1, nil))
	}
	for n := 1; n <= 32 && err == nil; n += between {
		err = errors.Join(s.Rewind(0, 0), run(n, 1, nil))
	}
	return err
}
