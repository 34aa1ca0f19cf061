package main

import (
	"context"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/reference"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
)

// openDevice is the engine on a Vulkan device.
func openDevice(device string, weights checkpoint.Scheme) (runner, error) {
	dev, err := vk.Open(vk.Options{Device: device})
	if err != nil {
		return runner{}, err
	}
	var load func(dir string, change func(*arch.Config)) (*loaded, error)
	load = func(dir string, change func(*arch.Config)) (*loaded, error) {
		ck, err := store.Open(dir)
		if err != nil {
			return nil, err
		}
		defer ck.Close()
		text, err := ck.Text()
		if err != nil {
			return nil, err
		}
		if change != nil {
			change(&ck.Config)
		}
		// The limits are those of float32 activations.
		m, err := engine.Load(ck, dev, engine.LoadOptions{Weights: weights, Kernels: shaders.Options{Activations: shaders.FloatActivations}})
		if err != nil {
			return nil, err
		}
		open := func(o sessionOptions) (session, error) {
			rows := o.Sequences * o.Context
			s, err := m.NewSession(engine.SessionOptions{
				Sequences: o.Sequences, Context: o.Context, MaxSteps: max(o.MaxSteps, 1), Lookup: o.Lookup,
				Rows: rows, Outputs: rows, Exits: true, Readouts: m.Config.ExitGate(), Compares: o.Context, Taps: o.Taps,
			})
			return deviceSession{s}, err
		}
		return &loaded{m.Config, text, open, func(c func(*arch.Config)) (*loaded, error) { return load(dir, c) }, m.Close}, nil
	}
	return runner{load, func() { dev.Close() }}, nil
}

type deviceSession struct{ *engine.Session }

func (s deviceSession) Do(a *decode.Task) error { return s.Session.Do(context.Background(), a) }

func (s deviceSession) Forward(inputs []reference.Input, numSteps int) ([][]float32, error) {
	in := make([]engine.Input, len(inputs))
	for i, r := range inputs {
		in[i] = engine.Input{Seq: r.Seq, Tokens: r.Tokens}
	}
	return s.ForwardLogits(context.Background(), in, numSteps)
}

// Stored counts the same for every core block: one depth a position stands for all of them.
func (s deviceSession) Stored(seq, _, slot int) int {
	depths, err := s.Depths(seq)
	if err != nil {
		return -1
	}
	n := 0
	for _, d := range depths {
		if s.Lookup().Stored(d) > slot {
			n++
		}
	}
	return n
}
