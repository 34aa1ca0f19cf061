package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
)

// tokenWriter writes an answer to standard output as it comes: plain text, JSON lines, or ids for a model that has no
// tokenizer.
type tokenWriter struct {
	out   io.Writer
	json  *json.Encoder  // nil: plain
	steps *cli.StepsView // nil: without the core steps of each token
	depth *int           // to name in JSON; nil: none
	text  bool
	style func(text string) string // of thinking
}

func newTokenWriter(s *cli.Streams, asJSON, text bool) *tokenWriter {
	w := &tokenWriter{out: s.Out, text: text, style: func(text string) string { return s.Style(s.Out, cli.Dim, text) }}
	if asJSON {
		w.json = cli.JSONLines(s.Out)
	}
	return w
}

// tokenLine is a token in JSON. Numbers that JSON cannot hold are null.
type tokenLine struct {
	Depth   *int     `json:"num_steps,omitempty"` // where several are compared
	ID      int32    `json:"id"`
	Text    string   `json:"text"`
	Steps   int      `json:"steps"`
	LogProb *float64 `json:"logprob"`
	Margin  *float64 `json:"margin"`

	Thinking bool `json:"thinking,omitempty"` // before the answer

	Top []likelyToken `json:"top_logprobs,omitempty"` // the likeliest in its place
}

// likelyToken is one of the likeliest tokens in JSON.
type likelyToken struct {
	ID      int32    `json:"id"`
	LogProb *float64 `json:"logprob"`
}

func likeliest(t decode.Token) []likelyToken {
	return cli.Each(t.Top, func(l decode.Likely) likelyToken { return likelyToken{l.Token, finite(float64(l.LogProb))} })
}

// textLine is text that was held back until the end.
type textLine struct {
	Depth *int   `json:"num_steps,omitempty"`
	Text  string `json:"text"`

	Thinking bool `json:"thinking,omitempty"`
}

func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func (w *tokenWriter) token(t decode.Token) error {
	switch {
	case w.json != nil && t.Token < 0:
		return w.json.Encode(textLine{w.depth, t.Text, t.Thinking})
	case w.json != nil:
		return w.json.Encode(tokenLine{w.depth, t.Token, t.Text, t.Steps, finite(float64(t.LogProb)), finite(float64(t.Margin)), t.Thinking, likeliest(t)})
	case w.steps != nil:
		return w.steps.Push(textOrID(t, w.text), stepsOf(t))
	}
	text := textOrID(t, w.text)
	if t.Thinking && text != "" {
		text = w.style(text)
	}
	_, err := io.WriteString(w.out, text)
	return err
}

// textOrID is what is to be seen of a token: its text, or its id where there is no tokenizer.
func textOrID(t decode.Token, text bool) string {
	switch {
	case text:
		return t.Text
	case t.Token < 0:
		return ""
	}
	return fmt.Sprintf("%d ", t.Token)
}

// stepsOf is the core steps of a token, and -1 for text that was held back to the end.
func stepsOf(t decode.Token) int {
	if t.Token < 0 {
		return -1
	}
	return t.Steps
}

// close ends the answer, in JSON with the summary.
func (w *tokenWriter) close(sum summary) error {
	switch {
	case w.json != nil:
		return w.json.Encode(sum)
	case w.steps != nil:
		return w.steps.Finish()
	}
	return nil
}
