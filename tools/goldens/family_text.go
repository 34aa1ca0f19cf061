package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/decode"
)

// generated are the fields of kinds generate and exit.
type generated struct {
	KV            string
	ExitThreshold *float64 `json:"exit_threshold"`
	Criterion     decode.Criterion
	MaxSteps      int  `json:"max_steps"`
	PromptExits   bool `json:"prompt_rows_exit"`
	Prompt        []int32
	Steps         []int
	PromptSteps   []int `json:"prompt_steps"`
	Values        [][]float64
}

// kvRules are cache rules by the names of the goldens.
var kvRules = map[string]string{
	"": "full", "full": "full", "latest": "latest-m4",
	"last_exited": decode.LookupLastExited, "shared": decode.LookupShared, "decode_last": decode.LookupDecodeLast,
}

// stages compares tensors by name with what a pass tapped.
func (f *familyCase) compareTaps(p textPass, ts tensors, c *check, names map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		got, ok := p.taps[names[name]]
		if !ok {
			c.fatalf("tensor %s: the engine has no stage %q", name, names[name])
		}
		c.rows(name, got, ts[name])
	}
}

// inside are the stages of a block by the names of the modules that they come out of.
var inside = map[string]string{
	"input_layernorm": ".norm_1", "self_attn": ".attn", "o_proj": ".attn", "mlp": ".mlp", "out": "",
	"norm_1": ".norm_1", "attn": ".attn",
}

// stacks compares the states of both stacks, and the inside of the first layer.
func (f *familyCase) stacks(p textPass, ts tensors, c *check) {
	list := f.StatesCausal
	if p.prefix > 0 {
		list = f.StatesPrefix
		if len(list) == 0 || p.prefix != prefixOf(f) {
			return
		}
	}
	names := map[string]string{}
	for i, s := range list {
		step, n := i/(f.file.L+1), i%(f.file.L+1)
		if s[0] == "z_H" {
			names[s[1]] = fmt.Sprintf("state.r%d", step+1)
		} else {
			names[s[1]] = fmt.Sprintf("step%d.pass%d.second", step+1, n)
		}
	}
	if p.prefix == 0 {
		for module, tensor := range f.FirstLayer {
			if stage, ok := inside[module]; ok {
				names[tensor] = "step1.pass0.core.0" + stage
			}
		}
	}
	f.compareTaps(p, ts, c, names)
}

// prefixOf is the prefix that states_prefix are of: the whole text.
func prefixOf(f *familyCase) int { return len(f.batch()[0]) }

// layers compares the layers of a run at num_steps r.
func (f *familyCase) layers(m *loaded, r int, p textPass, ts tensors, c *check) {
	names := map[string]string{}
	for name := range ts {
		var loop, layer int
		var module string
		rest, ok := strings.CutPrefix(name, f.Name+".loop")
		if !ok || strings.HasSuffix(name, ".hidden") {
			continue
		}
		if n, _ := fmt.Sscanf(rest, "%d.layer%d", &loop, &layer); n != 2 || loop > r {
			continue
		}
		_, module, _ = strings.Cut(rest[strings.Index(rest, "layer"):], ".")
		stage, known := inside[module]
		if module == "" {
			stage, known = "", true
		}
		if stage == "" && layer == m.config.NLayersInRecurrentBlock-1 && m.config.FinalNorm == arch.NormEachPass {
			known = false // devices norm it as they add it up: the state after the loop
		}
		if known {
			names[name] = fmt.Sprintf("step%d.core.%d%s", loop, layer, stage)
		}
	}
	for module, tensor := range f.FirstBlock {
		if stage, ok := inside[module]; ok && (stage != ".norm_1" || m.config.Block.Norms.HasBefore()) {
			names[tensor] = "prelude.0" + stage
		}
	}
	f.compareTaps(p, ts, c, names)
}

// chunks feeds a text through the cache in several ways.
func (f *familyCase) chunks(m *loaded, ts tensors, c *check) {
	var name string
	need(json.Unmarshal(f.Logits, &name))
	for _, chunks := range f.Chunks {
		p := textPass{tokens: f.batch(), steps: f.depth(), prefix: f.Prefix, states: f.starts(m, ts), chunks: chunks}
		got := p.run(m)
		c.rows(fmt.Sprintf("chunks %v: %s", chunks, name), got, must(ts.get(name, len(got), m.config.PaddedVocabSize)))
	}
}

// depth is the case's num_steps, by whichever name its family has for it.
func (f *familyCase) depth() int { return cmp.Or(f.R, f.Loops, f.H, f.MaxSteps, f.file.H) }

func (f *familyCase) generate(m *loaded, ts tensors, c *check) {
	var name string
	var tokens []int32
	need(json.Unmarshal(f.Logits, &name))
	need(json.Unmarshal(f.Tokens, &tokens))
	want := must(ts.get(name, len(tokens), m.config.PaddedVocabSize))
	rule, ok := kvRules[f.KV]
	if !ok {
		c.fatalf("kv %q is not known", f.KV)
	}
	s := must(newSession(m, sessionOptions{Sequences: 1, Context: len(f.Prompt) + len(tokens), MaxSteps: f.depth(), States: f.starts(m, ts)}, rule))
	defer s.Close()

	logits := &logitsOf{Engine: s}
	req := decode.Request{Prompt: f.Prompt, Prefix: f.Prefix, Steps: f.depth(), MaxTokens: len(tokens), Pick: decode.Filters{Greedy: true}}
	var values [][]float64
	var now []float64
	if f.ExitThreshold != nil {
		exit := &decode.Exit{Criterion: decode.Gate, Threshold: *f.ExitThreshold, Prefill: f.PromptExits}
		if f.Criterion != "" {
			exit.Criterion, exit.Prefill = f.Criterion, true
		}
		exit.Values = func(_ int, value float64) { now = append(now, value) }
		req.Strategy.Exit = exit
	}
	var steps []int
	out := must(decode.Decode(logits, 0, req, func(c decode.Choice) (bool, error) {
		steps, values, now = append(steps, c.Steps), append(values, now), nil
		return false, nil
	}))
	compareInts("token", out.Tokens, tokens, c)
	if f.Steps != nil {
		compareInts("steps of token", steps, f.Steps, c)
	}
	if f.PromptSteps != nil {
		compareInts("steps of prompt row", f.promptSteps(m, logits.prompt), f.PromptSteps, c)
	}
	if f.Values != nil {
		exitCase{Criterion: f.Criterion, Values: f.Values}.compareValues(values, c)
	}
	if c.problem == "" {
		c.rows(name, logits.rows, want)
	}
}

// promptSteps are the steps of the prompt's rows: as they ran, or, where all are run and the gate only picks, as they would be read.
func (f *familyCase) promptSteps(m *loaded, ran []int) []int {
	if f.KV != "full" {
		return ran
	}
	p := textPass{tokens: batch{f.Prompt}, steps: f.depth(), readout: decode.Readout{Kind: decode.ReadExit, Threshold: *f.ExitThreshold}}
	p.run(m)
	return p.took
}
