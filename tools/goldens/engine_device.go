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
		return nil, err
	}
	return deviceEngine{dev, weights}, nil
}

type deviceEngine struct {
	dev     *vk.Device
	weights checkpoint.Scheme
}

func (e deviceEngine) Close() { e.dev.Close() }

func (e deviceEngine) Load(dir string) (loaded, error) {
	// The limits are those of float32 activations.
	ck, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	defer ck.Close()
	m, err := engine.Load(ck, e.dev, engine.LoadOptions{Weights: e.weights, Kernels: shaders.Options{Activations: shaders.FloatActivations}})
	if err != nil {
		return nil, err
	}
	return deviceModel{m}, nil
}

type deviceModel struct{ *engine.Model }

func (m deviceModel) Config() arch.Config { return m.Model.Config }

func (m deviceModel) NewSession(o sessionOptions) (session, error) {
	rows := o.Sequences * o.Context
	s, err := m.Model.NewSession(engine.SessionOptions{
		Sequences: o.Sequences, Context: o.Context, MaxSteps: max(o.MaxSteps, 1), Lookup: o.Lookup,
		Rows: rows, Outputs: rows, Exits: true, Compares: o.Context, Taps: o.Taps,
	})
	if err != nil {
		return nil, err
	}
	for seq := range o.Sequences {
		s.SetSequence(seq, decode.Sequence{
			States:            func(pos int) []float32 { return o.States(seq, pos) },
			ContinuousCompute: o.Continuous,
		})
	}
	return deviceSession{s, o.Lookup}, nil
}

type deviceSession struct {
	*engine.Session
	lookup decode.Lookup
}

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
		if s.lookup.Stored(d) > slot {
			n++
		}
	}
	return n
}

func (s deviceSession) Engine() (decode.Engine, bool) {
	return s.Session.Engine(context.Background()), true
}
