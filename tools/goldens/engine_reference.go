package main

import (
	"errors"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/reference"
)

// openReference is the plain Go forward pass.
func openReference(device string, weights checkpoint.Scheme) (runner, error) {
	if device != "" {
		return nil, errors.New("goldens: --device has no meaning for the reference engine, which runs on the CPU")
	}
	if weights.String() != "auto" {
		return nil, errors.New("goldens: --quant and --keep have no meaning for the reference engine, which takes weights as they are stored")
	}
	return referenceEngine{}, nil
}

type referenceEngine struct{}

func (referenceEngine) Close() {}

func (referenceEngine) Load(dir string) (loaded, error) {
	ck, err := checkpoint.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer ck.Close()
	r, err := reference.New(ck)
	if err != nil {
		return nil, err
	}
	return referenceModel{r}, nil
}

type referenceModel struct{ *reference.Model }

func (m referenceModel) Close() {}

func (m referenceModel) Config() arch.Config { return m.Model.Config }

func (m referenceModel) NewSession(o sessionOptions) (session, error) {
	opt := reference.Options{Lookup: o.Lookup, Context: o.Context}
	if o.Taps != nil {
		opt.Tap = func(name string, _ int, v []float32) { o.Taps(name, [][]float32{v}) }
	}
	s, err := m.Model.NewSession(opt)
	if err != nil {
		return nil, err
	}
	for seq := range o.Sequences {
		s.SetSequence(seq, decode.Sequence{
			States:            func(pos int) []float32 { return o.States(seq, pos) },
			ContinuousCompute: o.Continuous,
		})
	}
	return referenceSession{s}, nil
}

type referenceSession struct{ *reference.Session }

func (referenceSession) Close() {}

func (s referenceSession) Engine() (decode.Engine, bool) { return s.Session, true }
