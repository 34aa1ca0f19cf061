// Package trace records what a recurrent-depth model does at each core step of each token, and draws it.
//
// A Builder is fed latent states and logits and makes a Trace. A Trace is written as JSON, as one SVG file or as one HTML
// file that needs no network. Nothing here knows of devices.
package trace

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Version is the version of the JSON. It changes when a field changes its meaning or goes away.
const Version = 1

// Trace is one run, and the schema of the JSON. Numbers have six significant digits; those that JSON cannot hold are null.
type Trace struct {
	Version   int     `json:"version"`
	Model     string  `json:"model"`
	Device    string  `json:"device"`
	Prompt    string  `json:"prompt"`
	Criterion string  `json:"criterion"` // of the adaptive exit; "none" for a fixed depth
	Threshold float64 `json:"threshold"` // of the criterion, in its unit
	MaxSteps  int     `json:"max_steps"` // core steps that a token takes at most
	Run       Run     `json:"run"`

	// Explained has one entry for each principal component: its share of the variance of all states, 0 to 1. Components are
	// directions in the space of latent states, the same for all tokens, and coordinates are in the unit of the states, from
	// the mean of all of them. The loading of largest size of a component is positive.
	Explained []Real  `json:"explained_variance"`
	Tokens    []Token `json:"tokens"` // in the order of their positions: those of the prompt, then the answer
	Starts    *Starts `json:"starts"` // null: not measured
}

// Run is what gives the trace again, with the model's files.
type Run struct {
	Program  string   `json:"program"`   // version and commit
	ModelKey string   `json:"model_key"` // of the files' content, as SourceKey makes it
	Weights  string   `json:"weights"`   // formats on the device
	KV       string   `json:"kv_type"`
	Lookup   string   `json:"cache_lookup_strategy"`
	Seed     uint64   `json:"seed"`
	Args     []string `json:"args"` // a command line with every setting that was chosen, the prompt as ids
}

// Token is one position of the sequence.
type Token struct {
	Pos    int    `json:"pos"` // position, from 0
	ID     int32  `json:"id"`
	Text   string `json:"text"`            // U+FFFD for what is no UTF-8
	Bytes  []byte `json:"bytes,omitempty"` // of a token that is no UTF-8 by itself; base64
	Prompt bool   `json:"prompt"`          // read, not generated
	Steps  int    `json:"steps"`           // core steps taken until the exit

	Start []Real `json:"start"` // components of the initial state
	Path  []Step `json:"path"`  // after core step 1, 2, ...; may go on after the exit, to show what further steps do
}

// Step is a token's state after one core step, and what coda and head make of it.
type Step struct {
	Residual   Real        `json:"residual"`   // norm(s - s') / norm(s), s' being the state one core step before; no unit
	Entropy    Real        `json:"entropy"`    // of the next token, in nats; null when there were no logits
	Top        []Candidate `json:"top"`        // the five likeliest next tokens, likeliest first
	Components []Real      `json:"components"` // of the state
}

// Candidate is a possible next token.
type Candidate struct {
	ID    int32  `json:"id"`
	Text  string `json:"text"`
	Bytes []byte `json:"bytes,omitempty"` // as in Token
	Prob  Real   `json:"prob"`            // 0 to 1
}

// Starts shows path independence: one token taken from several initial states.
type Starts struct {
	Token int `json:"token"` // index in Tokens
	// Spread has an entry for each number of core steps from 0: the mean over pairs of paths of
	// norm(a - b) / ((norm(a) + norm(b)) / 2); no unit.
	Spread []Real  `json:"spread"`
	Paths  []Start `json:"paths"`
}

// Start is the path from one initial state. Its lists have an entry for each number of core steps from 0.
type Start struct {
	Seed       uint64   `json:"seed"`
	Distance   []Real   `json:"distance"` // norm(s - m) / norm(m), m being the mean of all paths' last states; no unit
	Components [][]Real `json:"components"`
}

// Real is a number with six significant digits in JSON, and null where it is not finite.
type Real float64

func (r Real) finite() bool { return !math.IsNaN(float64(r)) && !math.IsInf(float64(r), 0) }

// round keeps what JSON keeps, so that pictures of a trace are the same after reading it back.
func round(x float64) Real {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64) // the largest number rounds down
	return Real(v)
}

func rounded(list []float64) []Real {
	out := make([]Real, len(list))
	for i, x := range list {
		out[i] = round(x)
	}
	return out
}

// MarshalJSON writes the number or null.
func (r Real) MarshalJSON() ([]byte, error) {
	if !r.finite() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(r), 'g', 6, 64), nil
}

// WriteJSON writes the trace as one line of JSON.
func (t *Trace) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(t) }

func bad(format string, args ...any) error {
	return fmt.Errorf("trace: not a usable trace: "+format, args...)
}

// check makes sure that drawing finds every number where it looks.
func (t *Trace) check() error {
	n := len(t.Explained)
	if t.Version != Version {
		return bad("version %d, this program knows %d", t.Version, Version)
	}
	for i, tok := range t.Tokens {
		if tok.Steps < 0 || tok.Steps > len(tok.Path) {
			return bad("token %d took %d steps, its path has %d", i, tok.Steps, len(tok.Path))
		}
		for k, c := range tok.components() {
			if len(c) != n {
				return bad("token %d, step %d: %d components, there are %d", i, k, len(c), n)
			}
		}
	}
	if t.Starts == nil {
		return nil
	}
	if t.Starts.Token < 0 || t.Starts.Token >= len(t.Tokens) {
		return bad("starts are of token %d, there are %d", t.Starts.Token, len(t.Tokens))
	}
	for i, p := range t.Starts.Paths {
		if len(p.Components) != len(p.Distance) {
			return bad("path %d from another start: %d components, %d distances", i, len(p.Components), len(p.Distance))
		}
		for k, c := range p.Components {
			if len(c) != n {
				return bad("path %d from another start, step %d: %d components, there are %d", i, k, len(c), n)
			}
		}
	}
	return nil
}

// components are those of the token's states after 0, 1, ... core steps.
func (t Token) components() [][]Real {
	list := [][]Real{t.Start}
	for _, s := range t.Path {
		list = append(list, s.Components)
	}
	return list
}

// longest is the number of core steps of the longest path.
func (t *Trace) longest() int {
	n := 0
	for _, tok := range t.Tokens {
		n = max(n, len(tok.Path))
	}
	return n
}

// exited tells whether a token's exit came before the last core step it might have taken.
func (t *Trace) exited(tok Token) bool { return tok.Steps < max(t.MaxSteps, len(tok.Path)) }
