package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"muninn/model/arch"
	"muninn/model/decode"
)

// familyCase is a case of a model of another family than Huginn; which fields it has depends on its kind and the family.
type familyCase struct {
	Name, Kind string
	Tokens     json.RawMessage   // of a text, or in kinds generate and exit those that follow the prompt
	Mode       string            // initial_state_mode
	States     *string           // as initialStates takes it; null where states are not drawn
	Logits     json.RawMessage   // by num_steps, or the name of a tensor
	ZeroLogits map[int]logitsRef `json:"zero_state_logits"`
	Hidden     map[int]string    // Ouro: what the head reads, by loop
	Latent     map[int]string    // retrofits: the state, by num_steps
	GateLogit  string            `json:"gate_logit"`
	Exit       map[int]gateCase  // by loops of the run
	Runs       []cyclesCase      // HRM-Text

	StatesCausal [][2]string       `json:"states_causal"` // after each pass: which state, and its tensor
	StatesPrefix [][2]string       `json:"states_prefix"`
	FirstLayer   map[string]string `json:"first_L_layer"`
	FirstBlock   map[string]string `json:"first_prelude_block"`

	Chunks [][]int
	Prefix int
	R      int
	Loops  int
	H      int `json:"H_cycles"`
	L      int `json:"L_cycles"`

	generated
	file familyFile
}

// familyFile is what all cases of a file share.
type familyFile struct {
	H     int `json:"H_cycles"`
	L     int `json:"L_cycles"`
	Loops int `json:"num_loops"`
}

// gateCase is what the exit gate comes to in a run of so many loops.
type gateCase struct {
	PDF       string
	Steps     map[string][]int // by threshold
	Threshold *struct {
		Q      float64
		Tensor string
	} `json:"threshold_logits"`
	Weighted string `json:"weighted_logits"`
}

// cyclesCase is a run of two stacks that take turns.
type cyclesCase struct {
	H      int `json:"H_cycles"`
	L      int `json:"L_cycles"`
	Prefix int
	Rows   string
	Logits string
}

func (f *familyCase) title() string { return f.Name }

func (f *familyCase) ofFile(g goldenFile) { need(json.Unmarshal(g.raw, &f.file)) }

func (f *familyCase) run(m *loaded, ts tensors, c *check) {
	m, done := f.model(m, f.L)
	defer done()
	switch f.Kind {
	case "forward":
		f.forward(m, ts, c)
	case "chunks":
		f.chunks(m, ts, c)
	case "generate", "exit":
		f.generate(m, ts, c)
	default:
		c.fatalf("kind %q is not known", f.Kind)
	}
}

// model is the model as the case has it: with other cycles of its first stack, and starts.
func (f *familyCase) model(m *loaded, cycles int) (*loaded, func()) {
	start, known := map[string]arch.Start{"random": arch.StartDrawn, "embed-init": arch.StartEmbeds, "skip-adapter": arch.StartEmbedsOnly}[f.Mode]
	if !known {
		start = m.config.Start
	}
	if cycles = max(cycles, 0); cycles == 0 {
		cycles = m.config.Cycles
	}
	if start == m.config.Start && cycles == m.config.Cycles {
		return m, func() {}
	}
	other := must(m.with(func(c *arch.Config) { c.Start, c.Cycles = start, cycles }))
	return other, other.close
}

// textPass is one text, or several, run whole.
type textPass struct {
	tokens  batch
	steps   int
	prefix  int
	readout decode.Readout
	states  func(seq, pos int) []float32
	taps    map[string][][]float32 // nil: none wanted
	chunks  []int                  // nil: in one piece
	lookup  string
	took    []int // steps that the rows were read at
}

func (p *textPass) run(m *loaded) (logits [][]float32) {
	n := len(p.tokens[0])
	o := sessionOptions{Sequences: len(p.tokens), Context: n, MaxSteps: p.steps, States: p.states}
	if p.taps != nil {
		o.Taps = func(name string, rows [][]float32) { p.taps[name] = append(p.taps[name], rows...) }
	}
	s := must(newSession(m, o, p.lookup))
	defer s.Close()
	if p.chunks == nil {
		p.chunks = []int{n}
	}
	for seq, tokens := range p.tokens {
		for pos, rest := 0, p.chunks; len(rest) > 0; rest = rest[1:] {
			a := &decode.Task{Seq: seq, Last: true, Prompt: true, Prefix: p.prefix, Steps: p.steps, Readout: p.readout, Outputs: rest[0]}
			for range rest[0] {
				a.Rows = append(a.Rows, decode.TaskRow{Pos: pos, Token: tokens[pos], Begin: true})
				pos++
			}
			a.Logits = func(rows [][]float32) { logits = append(logits, rows...) }
			need(s.Do(a))
			for _, choice := range a.Choices {
				p.took = append(p.took, choice.Steps)
			}
		}
	}
	return logits
}

// lastRows are the rows of which a case has logits.
func lastRows(logits [][]float32, n int, rows string) [][]float32 {
	if rows != "last" {
		return logits
	}
	var last [][]float32
	for text := range slices.Chunk(logits, n) {
		last = append(last, text[n-1])
	}
	return last
}

func (f *familyCase) batch() (tokens batch) {
	need(json.Unmarshal(f.Tokens, &tokens))
	need(tokens.check("tokens"))
	return tokens
}

// starts are the initial states of the case; nil where its model draws none.
func (f *familyCase) starts(m *loaded, ts tensors) func(seq, pos int) []float32 {
	if f.States == nil {
		return nil
	}
	return initialStates(ts, f.States, 0, m.config.NEmbd)
}

func (f *familyCase) forward(m *loaded, ts tensors, c *check) {
	tokens := f.batch()
	n := len(tokens[0])
	compare := func(what string, got [][]float32, rows string) {
		got = lastRows(got, n, rows)
		c.rows(what, got, must(ts.get(what, len(got), m.config.PaddedVocabSize)))
	}
	for _, run := range f.Runs {
		with, done := f.model(m, run.L)
		p := textPass{tokens: tokens, steps: run.H, prefix: run.Prefix, taps: map[string][][]float32{}}
		compare(run.Logits, p.run(with), run.Rows)
		done()
		if run.H == f.file.H && run.L == f.file.L {
			f.stacks(p, ts, c)
		}
	}
	var byStep map[int]logitsRef
	if f.Logits != nil {
		need(json.Unmarshal(f.Logits, &byStep))
	}
	for _, r := range slices.Sorted(maps.Keys(byStep)) {
		p := textPass{tokens: tokens, steps: r, states: f.starts(m, ts), taps: map[string][][]float32{}}
		compare(byStep[r].Tensor, p.run(m), byStep[r].Rows)
		if name := f.Latent[r]; name != "" {
			c.rows(name, p.taps[fmt.Sprintf("state.r%d", r)], ts[name])
		}
		for loop, name := range f.Hidden {
			if loop <= r {
				c.rows(name, p.taps[fmt.Sprintf("state.r%d", loop)], ts[name])
			}
		}
		f.layers(m, r, p, ts, c)
	}
	if f.Exit != nil { // the loops before the last, read on the way
		last := slices.Max(slices.Collect(maps.Keys(byStep)))
		for r, ref := range byStep {
			p := textPass{tokens: tokens, steps: last, readout: decode.Readout{Kind: decode.ReadAt, Step: r}}
			compare(ref.Tensor, p.run(m), ref.Rows)
		}
	}
	for r, ref := range f.ZeroLogits {
		p := textPass{tokens: tokens, steps: r, states: initialStates(nil, nil, 0, m.config.NEmbd)}
		compare(ref.Tensor, p.run(m), ref.Rows)
	}
	for _, loops := range slices.Sorted(maps.Keys(f.Exit)) {
		f.gate(m, ts, c, loops)
	}
}

// gate compares the exit gate, its distribution, and what is read by it.
func (f *familyCase) gate(m *loaded, ts tensors, c *check, loops int) {
	want, tokens := f.Exit[loops], f.batch()
	weighted := textPass{tokens: tokens, steps: loops, readout: decode.Readout{Kind: decode.ReadWeighted}, taps: map[string][][]float32{}}
	logits := weighted.run(m)
	if want.Weighted != "" {
		c.rows(want.Weighted, logits, must(ts.get(want.Weighted, len(logits), m.config.PaddedVocabSize)))
	}
	pdf, gates := must(ts.get(want.PDF, len(tokens[0]), loops)), ts[f.GateLogit]
	for t := range loops {
		for i, row := range weighted.taps[fmt.Sprintf("step%d.exit_gate", t+1)] {
			if off := math.Abs(float64(row[3] - gates[i][t])); !(off <= c.limit) {
				c.errorf("the gate of row %d after loop %d is %g, want %g", i, t+1, row[3], gates[i][t])
			}
			c.compared++
			if off := math.Abs(float64(row[1] - pdf[i][t])); !(off <= gateLimit) {
				c.errorf("row %d leaves after loop %d with %g, want %g", i, t+1, row[1], pdf[i][t])
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(want.Steps)) {
		q := must(strconv.ParseFloat(text, 64))
		p := textPass{tokens: tokens, steps: loops, readout: decode.Readout{Kind: decode.ReadExit, Threshold: q}}
		logits := p.run(m)
		compareInts("step at threshold "+text+" of row", p.took, want.Steps[text], c)
		if at := want.Threshold; at != nil && at.Q == q {
			c.rows(at.Tensor, logits, must(ts.get(at.Tensor, len(logits), m.config.PaddedVocabSize)))
		}
	}
}

// gateLimit holds the probabilities of an exit distribution (README).
const gateLimit = 1e-5
