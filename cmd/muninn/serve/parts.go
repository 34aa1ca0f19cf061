package serve

import (
	"slices"
	"strings"

	"muninn/model/decode"
)

// Part is a stretch of an answer: of what was thought, or of what is said.
type Part struct {
	Thinking bool
	Text     string
	Tokens   []decode.Token // of which the first may have been decided while the part before it was running
}

// parts are those of an answer: it has one, though it may be empty.
func (c *Choice) parts() []Part {
	if len(c.Parts) == 0 {
		return []Part{{Tokens: c.Tokens}}
	}
	return c.Parts
}

// addPart adds a token, and text that became certain, to the part that it is of.
func (c *Choice) addPart(t decode.Token, text string) {
	c.held.push(t)
	if text == "" {
		return
	}
	if n := len(c.Parts); n == 0 || c.Parts[n-1].Thinking != t.Thinking {
		c.Parts = append(c.Parts, Part{Thinking: t.Thinking})
	}
	last := &c.Parts[len(c.Parts)-1]
	last.Text += text
	last.Tokens = append(last.Tokens, c.held.pull()...)
}

// held are tokens whose text is not there yet.
type held []decode.Token

func (h *held) push(t decode.Token) {
	if t.Token >= 0 {
		*h = append(*h, t)
	}
}

func (h *held) pull() []decode.Token {
	tokens := *h
	*h = nil
	return tokens
}

// stepsOf lists the core steps of tokens.
func stepsOf(tokens []decode.Token) []int {
	steps := []int{}
	for _, t := range tokens {
		steps = append(steps, t.Steps)
	}
	return steps
}

// stoppedBy is the text, of those that were to stop the answer, that did; empty: none.
func (c *Choice) stoppedBy(m *Model, stops []string) (by string) {
	if c.Out.Finish != decode.FinishStop || len(c.Tokens) == 0 || m.Tokenizer == nil || slices.Contains(m.StopIDs(), c.Tokens[len(c.Tokens)-1].Token) {
		return ""
	}
	shown, all, stream := 0, "", m.Tokenizer.NewStream()
	for _, t := range c.Tokens {
		shown += len(t.Text)
		all += stream.Push(t.Token)
	}
	for _, stop := range slices.Sorted(slices.Values(stops)) { // of those that begin there, the longest
		if strings.HasPrefix(all[min(shown, len(all)):], stop) {
			by = stop
		}
	}
	return by
}
