package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"muninn/model/decode"
)

// alwaysStop are the tokens at which the reference ends a text, whatever its generation config says.
var alwaysStop = []int32{65504, 65505, 65508}

// generateCase is greedy generation.
type generateCase struct {
	Name       string
	Lookup     string `json:"cache_lookup_strategy"`
	Prompt     batch
	R          int
	State      *string // as initialStates takes it
	EOS        []int32 `json:"eos_token_id"`
	Continuous bool    `json:"continuous_compute"`
	Tokens     batch
	Logits     string // row t chose token t, of each sequence in turn
	Margins    []float64
	MarginMin  *float64 `json:"margin_min"`
	CacheSteps []int    `json:"cache_steps"`
}

func (g generateCase) title() string { return g.Name }

// marginRounding is how far margins are off by being written with four decimals.
const marginRounding = 0.5e-4

func (g generateCase) run(m *loaded, ts tensors, c *check) {
	need(g.Prompt.check("prompt"))
	need(g.Tokens.check("tokens"))
	if len(g.Tokens) != len(g.Prompt) {
		c.fatalf("%d prompts and %d outputs", len(g.Prompt), len(g.Tokens))
	}
	cfg, n := m.config, len(g.Tokens[0])
	length := len(g.Prompt[0]) + n
	start := initialStates(ts, g.State, length-1, cfg.NEmbd) // the last token is never run
	var want [][]float32
	if g.Logits != "" {
		want = must(ts.get(g.Logits, n*len(g.Tokens), cfg.PaddedVocabSize))
	}
	s := must(newSession(m, sessionOptions{Sequences: len(g.Prompt), Context: length, MaxSteps: g.R, States: start,
		Continuous: g.Continuous || strings.HasPrefix(g.Name, "continuous_compute")}, g.Lookup))
	defer s.Close()
	margins := g.generate(s, c, want)
	if c.problem != "" { // after another token everything differs
		return
	}
	g.compareMargins(margins, c)
	if in := slices.Sorted(maps.Keys(cacheEntries(m, s, length-1))); g.CacheSteps != nil && !slices.Equal(in, g.CacheSteps) {
		c.errorf("cache slots in use are %v, want %v", in, g.CacheSteps)
	}
}

// generate runs the loop and compares tokens and logits up to the first wrong token. It gives the margins of the tokens
// picked, the smallest of the batch at each place.
func (g generateCase) generate(s session, c *check, want [][]float32) []float64 {
	var margins []float64
	stopped := make([]bool, len(g.Prompt))
	next := g.Prompt
	for t := range g.Tokens[0] {
		if !slices.Contains(stopped, false) {
			c.errorf("every sequence met a stop token before token %d of %d", t, len(g.Tokens[0]))
			return margins
		}
		logits := must(s.Forward(inputs(next), g.R))
		n := len(next[0])
		next = make(batch, len(g.Prompt))
		margin := math.Inf(1)
		for seq := range g.Prompt {
			row := logits[seq*n+n-1]
			if want != nil {
				c.row(fmt.Sprintf("%s token %d sequence %d", g.Logits, t, seq), row, want[t*len(g.Prompt)+seq])
			}
			token := int32(decode.Argmax(row))
			if token != g.Tokens[seq][t] {
				c.errorf("token %d of sequence %d is %d, want %d", t, seq, token, g.Tokens[seq][t])
				return margins
			}
			c.compared++
			margin = min(margin, marginOf(row))
			next[seq] = []int32{token}
			stopped[seq] = stopped[seq] || slices.Contains(alwaysStop, token) || slices.Contains(g.EOS, token)
		}
		margins = append(margins, margin)
	}
	if g.EOS != nil && slices.Contains(stopped, false) {
		c.errorf("no stop token after %d tokens", len(g.Tokens[0]))
	}
	return margins
}

func (g generateCase) compareMargins(margins []float64, c *check) {
	// A margin is a difference of two logits, each of which may be off by the limit.
	if g.Margins != nil && len(g.Margins) != len(margins) {
		c.errorf("%d margins of %d tokens", len(g.Margins), len(margins))
		return
	}
	for t, want := range g.Margins {
		if math.Abs(margins[t]-want) > 2*c.limit+marginRounding {
			c.errorf("margin of token %d is %g, want %g", t, margins[t], want)
		}
	}
	if g.MarginMin != nil && math.Abs(slices.Min(margins)-*g.MarginMin) > 2*c.limit {
		c.errorf("smallest margin is %g, want %g", slices.Min(margins), *g.MarginMin)
	}
}

// marginOf is the largest logit minus the second largest.
func marginOf(logits []float32) float64 {
	sorted, n := slices.Sorted(slices.Values(logits)), len(logits)
	return float64(sorted[n-1]) - float64(sorted[n-2])
}
