package main

import "fmt"

// decodeCase is one text fed through the cache: in several ways at one depth (Chunks), or once with a depth for each chunk
// (Plan).
type decodeCase struct {
	Name    string
	Lookup  string `json:"cache_lookup_strategy"`
	Tokens  batch
	State   string
	R       int
	Logits  string
	Chunks  [][]int
	Plan    [][2]int    // tokens, num_steps
	Entries map[int]int `json:"entries_per_cache_step"`
}

func (d decodeCase) title() string {
	if d.Lookup == "" {
		return d.Name
	}
	return d.Name + "." + d.Lookup
}

func (d decodeCase) run(m *loaded, ts tensors, c *check) {
	need(d.Tokens.check("tokens"))
	rows := len(d.Tokens) * len(d.Tokens[0])
	state := must(ts.get(d.State, rows, m.config.NEmbd))
	want := must(ts.get(d.Logits, rows, m.config.PaddedVocabSize))
	if len(d.Chunks) == 0 {
		d.feed(m, c, d.Plan, state, want)
	}
	for _, sizes := range d.Chunks {
		var plan [][2]int
		for _, n := range sizes {
			plan = append(plan, [2]int{n, d.R})
		}
		d.feed(m, c, plan, state, want)
	}
}

// feed runs the tokens in the chunks of plan and compares every row.
func (d decodeCase) feed(m *loaded, c *check, plan [][2]int, state, want [][]float32) {
	n, deepest, fed := len(d.Tokens[0]), 0, 0
	for _, chunk := range plan {
		if chunk[0] < 1 || chunk[1] < 0 {
			c.fatalf("chunk of %d tokens at num_steps %d", chunk[0], chunk[1])
		}
		deepest, fed = max(deepest, chunk[1]), fed+chunk[0]
	}
	if fed != n {
		c.fatalf("chunks of %d tokens in all, the text has %d", fed, n)
	}
	s := must(newSession(m, sessionOptions{Sequences: len(d.Tokens), Context: n, MaxSteps: deepest,
		States: func(seq, pos int) []float32 { return state[seq*n+pos] }}, d.Lookup))
	defer s.Close()
	pos := 0
	for _, chunk := range plan {
		part := make(batch, len(d.Tokens))
		for seq := range d.Tokens {
			part[seq] = d.Tokens[seq][pos : pos+chunk[0]]
		}
		logits := must(s.Forward(inputs(part), chunk[1]))
		if len(logits) != len(part)*chunk[0] {
			c.fatalf("%d rows of logits from %d tokens", len(logits), len(part)*chunk[0])
		}
		for i, row := range logits {
			seq, at := i/chunk[0], pos+i%chunk[0]
			c.row(fmt.Sprintf("chunks %v: %s position %d", plan, d.Logits, at), row, want[seq*n+at])
		}
		pos += chunk[0]
	}
	if d.Entries != nil {
		compareEntries(cacheEntries(m, s, n), d.Entries, c)
	}
}
