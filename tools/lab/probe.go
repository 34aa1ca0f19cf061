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

// found is what the process on the device tells of it.
type found struct {
	Device, Driver string
	Subgroup       uint32
	Choices        []shaders.Setting
}

// dropBarriers is set for a probe whose programs have no barriers: the layer must find hazards.
const dropBarriers = "MUNINN_LAB_DROP_BARRIERS"

// probe runs the engine on the one device that there is: the demo as it is stored, also on the kernels that are fallen back to, and
// Huginn's shape in the formats that people take.
func probe(ctx context.Context) (f found, err error) {
	dev, err := vk.Open(vk.Options{})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	dev.SetSpeed(given)
	kernels, err := shaders.New(dev, shaders.Options{})
	if err != nil {
		return f, err
	}
	f = found{dev.Caps().Name, dev.Caps().Driver, kernels.Subgroup, kernels.Settings()}
	ck, err := store.Open(store.DemoName)
	if err != nil {
		return f, err
	}
	defer ck.Close()
	blind := os.Getenv(dropBarriers) != ""
	if blind {
		vktest.DropBarriers(dev)
	}
	for _, o := range []shaders.Options{{}, {Reduction: shaders.SharedMemory, Separate: true}} {
		m, err := engine.Load(ck, dev, engine.LoadOptions{Kernels: o})
		if err = all(ctx, m, err); err != nil {
			return f, fmt.Errorf("demo: %w", err)
		}
	}
	if blind {
		return f, nil
	}
	shape, err := arch.ParseShape("huginn")
	for _, quant := range []string{"q4_0", "q8_0", "auto"} {
		scheme, err2 := checkpoint.ParseScheme(quant, "")
		if err := errors.Join(err, err2); err != nil {
			return f, err
		}
		m, err := engine.Random(shape.Config, scheme, dev)
		if err = all(ctx, m, err); err != nil {
			return f, fmt.Errorf("huginn in %s: %w", quant, err)
		}
	}
	return f, nil
}

// all runs what passes does in each format of the KV cache, on a model if it was made, and closes it. What comes of it means nothing.
func all(ctx context.Context, m *engine.Model, err error) error {
	if err != nil {
		return err
	}
	defer m.Close()
	for _, kv := range shaders.KVTypes() {
		s, err := m.NewSession(engine.SessionOptions{Context: 64, Rows: 32, MaxSteps: 4, Exits: true, KV: kv})
		if err != nil {
			return err
		}
		err = passes(ctx, s)
		s.Close()
		if err != nil {
			return fmt.Errorf("cache in %v: %w", kv, err)
		}
	}
	return nil
}

// passes runs a prompt, decoding, every exit, and prompts of 1 to 32 rows.
func passes(ctx context.Context, s *engine.Session) error {
	for _, pick := range []*decode.Filters{nil, {Temperature: 0.8, TopK: 40, TopP: 0.9, RepetitionPenalty: 1.1}} {
		for _, n := range []int{20, 1} {
			if _, err := s.Prefill(ctx, 0, make([]int32, n), 4, pick); err != nil {
				return err
			}
		}
	}
	for _, c := range decode.Criteria {
		a := &decode.Task{Rows: []decode.TaskRow{{Pos: s.Pos(0), Token: 1, Begin: true}}, Steps: 4, Exit: &decode.Exit{Criterion: c.Name}, Outputs: 1}
		if err := s.Do(ctx, a); err != nil {
			return fmt.Errorf("exit by %s: %w", c.Name, err)
		}
	}
	for n := range s.Rows() {
		if err := s.Rewind(0, 0); err != nil {
			return err
		}
		if _, err := s.Prefill(ctx, 0, make([]int32, n+1), 1, nil); err != nil {
			return fmt.Errorf("%d rows: %w", n+1, err)
		}
	}
	return nil
}
