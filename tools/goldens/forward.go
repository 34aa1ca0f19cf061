package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"muninn/model/reference"
)

// forwardCase is one full pass at several num_steps.
type forwardCase struct {
	Name       string
	Tokens     batch
	State      string
	Logits     map[int]logitsRef // by num_steps
	StagesAtR  int               `json:"stages_at_r"`
	ZeroLogits map[int]logitsRef `json:"zero_state_logits"`
}

type logitsRef struct {
	Tensor string
	Rows   string // "all", or "last" of each sequence
}

func (f forwardCase) title() string { return f.Name }

func (f forwardCase) run(m *loaded, ts tensors, c *check) error {
	if err := f.Tokens.check("tokens"); err != nil {
		return err
	}
	state, err := ts.get(f.State, len(f.Tokens)*len(f.Tokens[0]), m.config.NEmbd)
	if err != nil {
		return err
	}
	given := func(seq, pos int) []float32 { return state.rows[seq*len(f.Tokens[0])+pos] }
	zero := make([]float32, m.config.NEmbd)
	var stages []tensor
	if !c.rounded {
		stages = f.stages(ts)
	}

	runs := maps.Clone(f.Logits)
	if len(stages) > 0 { // its own run, if no logits are compared at that depth
		if runs[f.StagesAtR].Tensor == "" {
			runs[f.StagesAtR] = logitsRef{}
		}
	}
	for _, r := range slices.Sorted(maps.Keys(runs)) {
		var taps map[string][][]float32
		if r == f.StagesAtR && len(stages) > 0 {
			taps = map[string][][]float32{}
		}
		if err := f.pass(m, ts, c, r, runs[r], given, taps); err != nil {
			return err
		}
		if taps == nil {
			continue
		}
		for _, stage := range stages {
			// `X.r32.coda.0` was taken at 32 steps; other stages are the same at any depth that reaches them.
			name := strings.TrimPrefix(strings.TrimPrefix(stage.name, f.Name+"."), fmt.Sprintf("r%d.", r))
			got, ok := taps[name]
			if !ok {
				return fmt.Errorf("tensor %s: the engine has no stage %q at num_steps %d", stage.name, name, r)
			}
			c.rows(stage.name, got, stage.rows)
		}
	}
	for _, r := range slices.Sorted(maps.Keys(f.ZeroLogits)) {
		if err := f.pass(m, ts, c, r, f.ZeroLogits[r], func(int, int) []float32 { return zero }, nil); err != nil {
			return err
		}
	}
	return nil
}

// pass runs the tokens once from the given states, compares the logits and collects stages in taps unless it is nil.
func (f forwardCase) pass(m *loaded, ts tensors, c *check, numSteps int, ref logitsRef, states func(seq, pos int) []float32,
	taps map[string][][]float32) error {
	o := sessionOptions{Sequences: len(f.Tokens), Context: len(f.Tokens[0]), MaxSteps: numSteps, States: states}
	if taps != nil {
		o.Taps = func(name string, rows [][]float32) { taps[name] = append(taps[name], rows...) }
	}
	s, err := newSession(m, o, "")
	if err != nil {
		return err
	}
	defer s.Close()
	logits, err := s.Forward(inputs(f.Tokens), numSteps)
	if err != nil || ref.Tensor == "" {
		return err
	}
	n := len(f.Tokens[0])
	switch ref.Rows {
	case "all":
	case "last":
		var last [][]float32
		for seq := range f.Tokens {
			last = append(last, logits[seq*n+n-1])
		}
		logits = last
	default:
		return fmt.Errorf("%s: rows is %q, want all or last", ref.Tensor, ref.Rows)
	}
	want, err := ts.get(ref.Tensor, len(logits), m.config.PaddedVocabSize)
	if err != nil {
		return err
	}
	c.rows(ref.Tensor, logits, want.rows)
	return nil
}

// stages are the case's tensors that its json does not name: values from inside the pass.
func (f forwardCase) stages(ts tensors) []tensor {
	named := map[string]bool{f.State: true}
	for _, refs := range []map[int]logitsRef{f.Logits, f.ZeroLogits} {
		for _, ref := range refs {
			named[ref.Tensor] = true
		}
	}
	var list []tensor
	for _, name := range slices.Sorted(maps.Keys(ts)) {
		if strings.HasPrefix(name, f.Name+".") && !named[name] {
			list = append(list, ts[name])
		}
	}
	return list
}

// inputs makes one input of each sequence.
func inputs(tokens batch) []reference.Input {
	list := make([]reference.Input, len(tokens))
	for seq := range tokens {
		list[seq] = reference.Input{Seq: seq, Tokens: tokens[seq]}
	}
	return list
}
