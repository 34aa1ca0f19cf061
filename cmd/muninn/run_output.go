package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
)

// tokenWriter writes an answer to standard output as it comes: plain text, JSON lines, or ids for a model that has no
// tokenizer.
type tokenWriter struct {
	out      io.Writer
	json     *json.Encoder  // nil: plain
	steps    *cli.StepsView // nil: without the core steps of each token
	text     bool
	terminal bool
	last     string // what was written last
}

func newTokenWriter(s *cli.Streams, asJSON, text bool) *tokenWriter {
	w := &tokenWriter{out: s.Out, text: text, terminal: cli.IsTerminal(s.Out)}
	if asJSON {
		w.json = cli.JSONLines(s.Out)
	}
	return w
}

// tokenLine is a token in JSON. Numbers that JSON cannot hold are null.
type tokenLine struct {
	ID      int32    `json:"id"`
	Text    string   `json:"text"`
	Steps   int      `json:"steps"`
	LogProb *float64 `json:"logprob"`
	Margin  *float64 `json:"margin"`
}

func lineOf(t decode.Token) tokenLine {
	return tokenLine{t.Token, t.Text, t.Steps, finite(t.LogProb), finite(t.Margin)}
}

// textLine is text that was held back until the end.
type textLine struct {
	Text string `json:"text"`
}

func finite(x float32) *float64 {
	v := float64(x)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func (w *tokenWriter) token(t decode.Token) error {
	var err error
	switch {
	case w.json != nil && t.Token < 0:
		err = w.json.Encode(textLine{t.Text})
	case w.json != nil:
		err = w.json.Encode(lineOf(t))
	case w.steps != nil:
		return w.steps.Push(w.shown(t), stepsOf(t))
	case w.text:
		err = w.write(t.Text)
	case t.Token >= 0:
		err = w.write(fmt.Sprintf("%d ", t.Token))
	}
	return cli.OutputError(err)
}

// shown is what is to be seen of a token: its text, or its id where there is no tokenizer.
func (w *tokenWriter) shown(t decode.Token) string {
	if w.text || t.Token < 0 {
		return t.Text
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

func (w *tokenWriter) write(text string) error {
	if text == "" {
		return nil
	}
	w.last = text
	_, err := io.WriteString(w.out, text)
	return err
}

// close ends the answer: with the summary in JSON, with a new line on a terminal.
func (w *tokenWriter) close(sum summary) error {
	var err error
	switch {
	case w.json != nil:
		err = w.json.Encode(sum)
	case w.steps != nil:
		return w.steps.Finish()
	case w.terminal && !strings.HasSuffix(w.last, "\n"):
		err = w.write("\n")
	}
	return cli.OutputError(err)
}
