package main

import (
	"errors"

	"muninn/model"
)

// openReference is the plain Go forward pass.
func openReference(device string, weights model.Scheme) (engine, error) {
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
	ck, err := model.OpenCheckpoint(dir)
	if err != nil {
		return nil, err
	}
	defer ck.Close()
	r, err := model.NewReference(ck)
	if err != nil {
		return nil, err
	}
	return referenceModel{r}, nil
}

type referenceModel struct{ *model.Reference }

func (m referenceModel) Close() {}

func (m referenceModel) Config() model.Config { return m.Reference.Config }

func (m referenceModel) NewSession(o sessionOptions) (session, error) {
	opt := model.ReferenceOptions{Lookup: o.Lookup, Context: o.Context}
	if o.Taps != nil {
		opt.Tap = func(name string, _ int, v []float32) { o.Taps(name, [][]float32{v}) }
	}
	s, err := m.Reference.NewSession(opt)
	if err != nil {
		return nil, err
	}
	for seq := range o.Sequences {
		s.SetSequence(seq, model.Sequence{
			States:            func(pos int) []float32 { return o.States(seq, pos) },
			ContinuousCompute: o.Continuous,
		})
	}
	return referenceSession{s}, nil
}

type referenceSession struct{ *model.ReferenceSession }

func (referenceSession) Close() {}

func (s referenceSession) Engine() (model.Engine, bool) { return s.ReferenceSession, true }
