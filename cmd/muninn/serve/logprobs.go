package serve

import (
	"slices"
	"strings"
	"unicode/utf8"

	"muninn/model/decode"
	"muninn/model/tokenizer"
)

// tokenText is what a token adds to a text; bytes that are no text show as U+FFFD.
func tokenText(m *Model, id int32) string {
	if m.Tokenizer == nil {
		return ""
	}
	return strings.ToValidUTF8(string(m.Tokenizer.Bytes(id)), "\uFFFD")
}

type chatLogprobs struct {
	Content []chatLogprob `json:"content"`
	Refusal *string       `json:"refusal"`
}

type tokenLogprob struct {
	Token   string  `json:"token"`
	Logprob Logprob `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

type chatLogprob struct {
	tokenLogprob
	Top []tokenLogprob `json:"top_logprobs"`
}

func tokenLogprobOf(m *Model, id int32, logprob float32) tokenLogprob {
	t := tokenLogprob{Token: tokenText(m, id), Logprob: Logprob(logprob), Bytes: []int{}}
	if m.Tokenizer != nil {
		for _, b := range m.Tokenizer.Bytes(id) {
			t.Bytes = append(t.Bytes, int(b))
		}
	}
	return t
}

// chatLogprobsOf lists tokens with their likelihoods. The one that ended the answer is none of it.
func chatLogprobsOf(m *Model, tokens []decode.Token) *chatLogprobs {
	l := &chatLogprobs{Content: []chatLogprob{}}
	stops := m.StopIDs()
	for _, t := range tokens {
		if t.Token < 0 || slices.Contains(stops, t.Token) {
			continue
		}
		one := chatLogprob{tokenLogprob: tokenLogprobOf(m, t.Token, t.LogProb), Top: []tokenLogprob{}}
		for _, likely := range t.Top {
			one.Top = append(one.Top, tokenLogprobOf(m, likely.Token, likely.LogProb))
		}
		l.Content = append(l.Content, one)
	}
	return l
}

// legacyLogprobs are those of completions: four lists as long as the tokens.
type legacyLogprobs struct {
	Tokens  []string             `json:"tokens"`
	Logprob []*Logprob           `json:"token_logprobs"`
	Top     []map[string]Logprob `json:"top_logprobs"`
	Offset  []int                `json:"text_offset"`
}

// newLegacyLogprobs are none: lists, not null.
func newLegacyLogprobs() *legacyLogprobs {
	return &legacyLogprobs{Tokens: []string{}, Logprob: []*Logprob{}, Top: []map[string]Logprob{}, Offset: []int{}}
}

// add adds a token that begins at a character of the text; nil: nothing was likely before it. Tokens may share a text, as parts of runes do, which all
// show as U+FFFD: the likelier counts. So the token taken is the greatest of its map just when it was the likeliest.
func (l *legacyLogprobs) add(m *Model, id int32, logprob *Logprob, top []decode.Likely, offset int) {
	text := tokenText(m, id)
	l.Tokens, l.Logprob, l.Offset = append(l.Tokens, text), append(l.Logprob, logprob), append(l.Offset, offset)
	if logprob == nil {
		l.Top = append(l.Top, nil)
		return
	}
	likely := map[string]Logprob{}
	put := func(text string, p Logprob) {
		if before, there := likely[text]; !there || p > before {
			likely[text] = p
		}
	}
	for _, t := range top {
		put(tokenText(m, t.Token), Logprob(t.LogProb))
	}
	put(text, *logprob)
	l.Top = append(l.Top, likely)
}

// offsets tell at which character of a text its tokens begin.
type offsets struct {
	stream *tokenizer.Stream
	at     int
}

// next is where a token begins, which hidden ones are no part of.
func (o *offsets) next(m *Model, id int32, hidden bool) int {
	at := o.at
	if o.stream == nil && m.Tokenizer != nil {
		o.stream = m.Tokenizer.NewStream()
	}
	if o.stream != nil && !hidden {
		o.at += utf8.RuneCountInString(o.stream.Push(id))
	}
	return at
}
