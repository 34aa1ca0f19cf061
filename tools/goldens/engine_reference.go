package main

import (
	"errors"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/reference"
)

// openReference is the plain Go forward pass.
func openReference(device string, weights checkpoint.Scheme) (runner, error) {
	if device != "" {
		return runner{}, errors.New("goldens: --device has no meaning for the reference engine, which runs on the CPU")
	}
	if weights.String() != "auto" {
		return runner{}, errors.New("goldens: --quant and --keep have no meaning for the reference engine, which takes weights as they are stored")
	}
	var load func(dir string, change func(*arch.Config)) (*loaded, error)
	load = func(dir string, change func(*arch.Config)) (*loaded, error) {
		ck, err := checkpoint.OpenFolder(dir)
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
		m, err := reference.New(ck)
		if err != nil {
			return nil, err
		}
		open := func(o sessionOptions) (session, error) {
			opt := reference.Options{Lookup: o.Lookup, Context: o.Context}
			if o.Taps != nil {
				opt.Tap = func(name string, _ int, v []float32) { o.Taps(name, [][]float32{v}) }
			}
			s, err := m.NewSession(opt)
			return referenceSession{s}, err
		}
		return &loaded{m.Config, text, open, func(c func(*arch.Config)) (*loaded, error) { return load(dir, c) }, func() {}}, nil
	}
	return runner{load, func() {}}, nil
}

type referenceSession struct{ *reference.Session }

func (referenceSession) Close() {}
