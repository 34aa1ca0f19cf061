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

func (f forwardCase) run(m *loaded, ts tensors, c *check) {
	need(f.Tokens.check("tokens"))
	n := len(f.Tokens[0])
	state := must(ts.get(f.State, len(f.Tokens)*n, m.config.NEmbd))
	given := func(seq, pos int) []float32 { return state[seq*n+pos] }
	zero := make([]float32, m.config.NEmbd)
	var stages []string
	if !c.rounded {
		stages = f.stages(ts)
	}

	runs := map[int]logitsRef{}
	maps.Copy(runs, f.Logits)
	if _, ok := runs[f.StagesAtR]; !ok && len(stages) > 0 {
		runs[f.StagesAtR] = logitsRef{} // its own run, as no logits are compared at that depth
	}
	for _, r := range slices.Sorted(maps.Keys(runs)) {
		if r != f.StagesAtR || len(stages) == 0 {
			f.pass(m, ts, c, r, runs[r], given, nil)
			continue
		}
		taps := map[string][][]float32{}
		f.pass(m, ts, c, r, runs[r], given, func(name string, rows [][]float32) { taps[name] = append(taps[name], rows...) })
		for _, stage := range stages {
			// `X.r32.coda.0` was taken at 32 steps; other stages are the same at any depth that reaches them.
			name := strings.TrimPrefix(strings.TrimPrefix(stage, f.Name+"."), fmt.Sprintf("r%d.", r))
			got, ok := taps[name]
			if !ok {
				c.fatalf("tensor %s: the engine has no stage %q at num_steps %d", stage, name, r)
			}
			c.rows(stage, got, ts[stage])
		}
	}
	for _, r := range slices.Sorted(maps.Keys(f.ZeroLogits)) {
		f.pass(m, ts, c, r, f.ZeroLogits[r], func(int, int) []float32 { return zero }, nil)
	}
}

// pass runs the tokens once from the given states and compares the logits. taps, unless nil, is given the stages.
func (f forwardCase) pass(m *loaded, ts tensors, c *check, numSteps int, ref logitsRef, states func(seq, pos int) []float32,
	taps func(name string, rows [][]float32)) {
	n := len(f.Tokens[0])
	s := must(newSession(m, sessionOptions{Sequences: len(f.Tokens), Context: n, MaxSteps: numSteps, States: states, Taps: taps}, ""))
	defer s.Close()
	logits := must(s.Forward(inputs(f.Tokens), numSteps))
	switch {
	case ref.Tensor == "":
		return
	case ref.Rows == "last":
		var last [][]float32
		for rows := range slices.Chunk(logits, n) {
			last = append(last, rows[n-1])
		}
		logits = last
	case ref.Rows != "all":
		c.fatalf("%s: rows is %q, want all or last", ref.Tensor, ref.Rows)
	}
	c.rows(ref.Tensor, logits, must(ts.get(ref.Tensor, len(logits), m.config.PaddedVocabSize)))
}

// stages are the case's tensors that its json does not name: values from inside the pass.
func (f forwardCase) stages(ts tensors) []string {
	named := map[string]bool{f.State: true}
	for _, refs := range []map[int]logitsRef{f.Logits, f.ZeroLogits} {
		for _, ref := range refs {
			named[ref.Tensor] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(ts)), func(name string) bool { return named[name] || !strings.HasPrefix(name, f.Name+".") })
}

// inputs makes one input of each sequence.
func inputs(tokens batch) []reference.Input {
	list := make([]reference.Input, len(tokens))
	for seq := range tokens {
		list[seq] = reference.Input{Seq: seq, Tokens: tokens[seq]}
	}
	return list
}
