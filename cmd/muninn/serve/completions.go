package serve

import (
	"bytes"
	"encoding/json"
	"slices"

	"muninn/model/decode"
)

// completionsDialect is OpenAI's older completions, as lm-eval asks them: with the likelihoods of the prompt.
var completionsDialect = &Dialect{
	Path: "/v1/completions", Prefix: "cmpl-", Decode: decodeCompletions,
	Whole: func(a *Ask, r *Result) any { return completionsWhole(a, r) }, Stream: completionsStream,
}

// maxPrompts is how many prompts a request may have.
const maxPrompts = 512

func decodeCompletions(f *Fields) (*Ask, error) {
	a := &Ask{Limit: 16} // as OpenAI has it
	f.Common(a)
	if n := f.Whole("max_tokens", 0, maxTokens); n != nil {
		a.Limit = *n
	}
	a.Echo = f.Flag("echo")
	if n := f.legacyTop(); n != nil {
		a.Logprobs, a.Top, a.Score = true, *n, a.Echo
	}
	bare := f.Has("add_special_tokens") && !f.Flag("add_special_tokens")
	a.Prompts = f.prompts(bare)
	switch {
	case f.Err == nil && len(a.Prompts) == 0:
		f.Fail(Refuse("prompt", "prompt is missing, or is an empty list"))
	case len(a.Prompts) > maxPrompts:
		f.Fail(Refuse("prompt", "prompt has %d texts, at most %d are taken", len(a.Prompts), maxPrompts))
	}
	return a, nil
}

// legacyTop reads logprobs, which is a number here; some clients send true.
func (f *Fields) legacyTop() *int {
	if raw := string(f.raw["logprobs"]); raw == "false" {
		return nil
	} else if raw == "true" {
		return new(int)
	}
	return f.Whole("logprobs", 0, maxTop)
}

// prompts reads a text, a list of them, ids, or lists of those.
func (f *Fields) prompts(bare bool) (list []Prompt) {
	if !f.Has("prompt") {
		return nil
	}
	raw := f.raw["prompt"]
	one := func(raw json.RawMessage) {
		p := Prompt{Bare: bare}
		if raw[0] == '"' {
			_ = json.Unmarshal(raw, &p.Text) // it is valid
		} else if err := json.Unmarshal(raw, &p.IDs); err != nil || p.IDs == nil {
			f.Fail(Refuse("prompt", "prompt has %s, want a string, or ids of tokens", clip(raw)))
		}
		list = append(list, p)
	}
	if raw[0] != '[' {
		one(raw)
		return list
	}
	var items []json.RawMessage
	f.Read("prompt", "a string, ids of tokens, or a list of either", &items)
	if len(items) > 0 && bytes.IndexByte([]byte(`["`), items[0][0]) < 0 {
		one(raw) // ids
		return list
	}
	for _, item := range items {
		one(item)
	}
	return list
}

type completionChoice struct {
	Text     string          `json:"text"`
	Index    int             `json:"index"`
	Logprobs *legacyLogprobs `json:"logprobs"`
	Finish   *string         `json:"finish_reason"`
	Steps    []int           `json:"x_steps,omitempty"`
}

type completion struct {
	head
	Choices []completionChoice `json:"choices"`
	Usage   *usage             `json:"usage,omitempty"`
	Timings *timings           `json:"timings,omitempty"`
}

func completionsWhole(a *Ask, r *Result) completion {
	u, t := r.usage(), r.timings()
	w := completion{head: r.head("text_completion"), Choices: []completionChoice{}, Usage: &u, Timings: &t}
	for _, c := range r.Choices {
		finish := c.Finish()
		choice := completionChoice{Text: c.Text, Index: c.Index, Finish: &finish}
		if a.Echo {
			choice.Text = c.echo(r.Model) + c.Text
		}
		if a.Logprobs {
			choice.Logprobs = newLegacyLogprobs()
			if a.Echo {
				c.addPrompt(choice.Logprobs, r.Model)
			}
			c.addTokens(choice.Logprobs, r.Model, c.Tokens)
		}
		if a.Steps {
			choice.Steps = c.StepsPerToken()
		}
		w.Choices = append(w.Choices, choice)
	}
	return w
}

// echo is the prompt as it was sent; ids as the text that they are.
func (c *Choice) echo(m *Model) string {
	if c.prompt.IDs == nil || m.Tokenizer == nil {
		return c.prompt.Text
	}
	text, _ := m.Tokenizer.Decode(c.Prompt, false) // ids without a token add nothing
	return text
}

// addPrompt adds the likelihoods of the prompt's tokens. Before the first nothing was likely.
func (c *Choice) addPrompt(l *legacyLogprobs, m *Model) {
	begin, _ := m.BeginID()
	for i, id := range c.Prompt {
		var logprob *Logprob
		var top []decode.Likely
		if i > 0 && i < len(c.Out.Prompt) {
			p := Logprob(c.Out.Prompt[i].LogProb)
			logprob, top = &p, c.Out.Prompt[i].Top
		}
		hidden := i == 0 && c.prompt.IDs == nil && !c.prompt.Bare && id == begin // it was put there
		l.add(m, id, logprob, top, c.offset.next(m, id, hidden))
	}
}

// addTokens adds the likelihoods of tokens of the answer.
func (c *Choice) addTokens(l *legacyLogprobs, m *Model, tokens []decode.Token) {
	for _, t := range tokens {
		if t.Token >= 0 {
			p := Logprob(t.LogProb)
			l.add(m, t.Token, &p, t.Top, c.offset.next(m, t.Token, slices.Contains(m.StopIDs(), t.Token)))
		}
	}
}

func completionsStream(a *Ask, r *Result) func(Event) []Frame {
	frame := func(c ...completionChoice) Frame {
		return Frame{Data: completion{head: r.head("text_completion"), Choices: c}}
	}
	return func(e Event) (frames []Frame) {
		switch e.Kind {
		case Begin:
			for _, c := range r.Choices {
				if a.Echo {
					frames = append(frames, frame(completionChoice{Text: c.echo(r.Model), Index: c.Index}))
					c.addPrompt(newLegacyLogprobs(), r.Model) // whose offsets lie before the answer's; the rest is not known yet
				}
			}
		case Delta:
			c := completionChoice{Text: e.Text, Index: e.Choice.Index}
			if a.Logprobs && e.Token.Token >= 0 {
				c.Logprobs = newLegacyLogprobs()
				e.Choice.addTokens(c.Logprobs, r.Model, []decode.Token{e.Token})
			}
			if a.Steps && e.Token.Token >= 0 {
				c.Steps = []int{e.Token.Steps}
			}
			if e.Text != "" || a.Logprobs || a.Steps {
				frames = append(frames, frame(c))
			}
		case End:
			finish := e.Choice.Finish()
			c := completionChoice{Index: e.Choice.Index, Finish: &finish}
			if a.Score { // which are known by now
				c.Logprobs = newLegacyLogprobs()
				e.Choice.offset = offsets{}
				e.Choice.addPrompt(c.Logprobs, r.Model)
			}
			frames = append(frames, frame(c))
		case Close:
			if a.Usage {
				u, t := r.usage(), r.timings()
				frames = append(frames, Frame{Data: completion{head: r.head("text_completion"), Choices: []completionChoice{}, Usage: &u, Timings: &t}})
			}
			frames = append(frames, Frame{Raw: "[DONE]"})
		}
		return frames
	}
}
