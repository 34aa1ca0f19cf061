package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/reference"
)

// runner is what is compared with the golden data: load opens a checkpoint folder.
type runner struct {
	load  func(dir string, change func(*arch.Config)) (*loaded, error) // change, which may be nil, makes another shape of it
	close func()
}

// loaded is a model of an engine.
type loaded struct {
	config arch.Config
	text   checkpoint.Text
	open   func(o sessionOptions) (session, error)
	with   func(change func(*arch.Config)) (*loaded, error) // the same model with its config changed
	close  func()
}

// sessionOptions say what a case needs.
type sessionOptions struct {
	Sequences int // numbered from 0
	Context   int // positions of each
	MaxSteps  int // deepest num_steps
	Lookup    decode.Lookup
	// States gives the initial state of a position of a sequence (n_embd); nil where the model draws none.
	States func(seq, pos int) []float32
	// Continuous starts every single token after the prompt from the last one's final state after ln_f.
	Continuous bool
	// Taps, if set, is given the rows of every named tensor, named as model.ReferenceOptions.Tap names them. It may be
	// called several times for one name, with further rows.
	Taps func(name string, rows [][]float32)
}

// session is a number of sequences with their cache.
type session interface {
	decode.Engine
	SetSequence(seq int, setting decode.Sequence)
	// Forward goes on with the inputs' sequences and gives the logits of all rows, in order.
	Forward(inputs []reference.Input, numSteps int) ([][]float32, error)
	// Stored counts the positions of sequence seq that hold a slot of a core block.
	Stored(seq, block, slot int) int
	Close()
}

// newSession starts a session under a lookup strategy by name; the reference's default is full.
func newSession(m *loaded, o sessionOptions, lookup string) (session, error) {
	if lookup == "" {
		lookup = "full"
	}
	var err error
	if o.Lookup, err = decode.ParseLookup(lookup, m.config.NLayersInRecurrentBlock); err != nil {
		return nil, err
	}
	s, err := m.open(o)
	if err != nil {
		return nil, err
	}
	for seq := range o.Sequences {
		setting := decode.Sequence{ContinuousCompute: o.Continuous}
		if o.States != nil {
			setting.States = func(pos int) []float32 { return o.States(seq, pos) }
		}
		s.SetSequence(seq, setting)
	}
	return s, nil
}

// engines are those that --engine names.
var engines = map[string]func(device string, weights checkpoint.Scheme) (runner, error){
	"device": openDevice, "reference": openReference,
}

func engineNames() string { return strings.Join(slices.Sorted(maps.Keys(engines)), ", ") }

func openEngine(name, device string, weights checkpoint.Scheme) (runner, error) {
	open, ok := engines[name]
	if !ok {
		return runner{}, fmt.Errorf("goldens: unknown engine %q; known: %s", name, engineNames())
	}
	return open(device, weights)
}
