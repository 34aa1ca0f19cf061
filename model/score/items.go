// Package score measures how likely a model finds texts: perplexity, multiple choice, and continuations of contexts. The numbers
// are those of decode.Request.Score, which a server's echo gives too.
package score

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"muninn/model/checkpoint"
	"muninn/model/tokenizer"
)

// ErrItems is wrapped by errors about what is to be scored.
var ErrItems = errors.New("bad items")

// Item is a line of a file: a text, or a context with one continuation or several to choose from.
type Item struct {
	File string
	Line int             // from 1
	ID   json.RawMessage // as the line has it; nil: none
	Kind Kind
	Gold int // index of the right choice; -1: not known
	// Parts are the text, or the context with each continuation.
	Parts []Part
}

// Kind is what an item asks.
type Kind int

// The kinds.
const (
	Text         Kind = iota // how likely are all tokens but the first
	Continuation             // how likely is it, and is it what the model would say
	Choice                   // which is the likeliest
)

// Part is a list of tokens of which those from index From on, 1 or more, are scored.
type Part struct {
	Tokens []int32
	From   int
	Bytes  int // of text that is scored; 0: not known
	Length int // characters of a choice, but for spaces before it, or tokens: what accuracy is normed by
}

// Reader reads items.
type Reader struct {
	Name         string // of the file, for errors
	Text         checkpoint.Text
	NoBegin      bool // texts do not begin with the model's begin token
	ParseSpecial bool // special tokens that are spelt count as such
}

// maxLine is how many bytes a line has at most.
const maxLine = 64 << 20

// Read reads JSON lines, each an object with text or tokens; context and continuation; context, choices and gold; or a sample that lm-eval has logged. Contexts,
// continuations and choices are texts or lists of token ids; other fields are passed over, id is kept. Errors name file and line, and
// wrap ErrItems.
func (r Reader) Read(from io.Reader) ([]Item, error) {
	var items []Item
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\uFEFF")))
		if len(text) == 0 {
			continue
		}
		item, err := r.item(text)
		if err != nil {
			return nil, fmt.Errorf("model: %w: %s:%d: %w", ErrItems, r.Name, n, err)
		}
		item.File, item.Line = r.Name, n
		items = append(items, item)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("model: %w: %s:%d: a line of more than %d bytes", ErrItems, r.Name, n+1, maxLine)
	case err != nil:
		return nil, fmt.Errorf("model: %w: %s: %w", ErrItems, r.Name, err)
	case len(items) == 0:
		return nil, fmt.Errorf("model: %w: %s has no lines: want JSON objects with text, or context and choices", ErrItems, r.Name)
	}
	return items, nil
}

// line is a line as it is written.
type line struct {
	ID           json.RawMessage   `json:"id"`
	Text         *string           `json:"text"`
	Tokens       []int32           `json:"tokens"`
	Context      json.RawMessage   `json:"context"`
	Continuation json.RawMessage   `json:"continuation"`
	Choices      []json.RawMessage `json:"choices"`
	Gold         *int              `json:"gold"`
	Arguments    json.RawMessage   `json:"arguments"`
	Target       json.RawMessage   `json:"target"`
}

// wanted are the types of fields, for who gives another.
var wanted = map[string]string{"text": "a string", "tokens": "a list of token ids", "choices": "a list", "gold": "the number of a choice, counted from 0"}

func (r Reader) item(text []byte) (Item, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return Item{}, fmt.Errorf("%s is a JSON %s: want %s", wrong.Field, wrong.Value, wanted[wrong.Field])
		}
		return Item{}, fmt.Errorf("not a JSON object of an item: %w", err)
	}
	item, asks := Item{ID: l.ID, Gold: -1}, 0
	for _, given := range []bool{l.Text != nil, l.Tokens != nil, l.Continuation != nil, l.Choices != nil, l.Arguments != nil} {
		if given {
			asks++
		}
	}
	var part Part
	var err error
	switch {
	case asks != 1:
		return item, fmt.Errorf("want one of text, tokens, continuation, choices and arguments")
	case l.Text != nil || l.Tokens != nil:
		part, err = r.text(l)
		item.Parts = []Part{part}
	case l.Continuation != nil:
		item.Kind = Continuation
		part, err = r.pair(l.Context, l.Continuation)
		item.Parts = []Part{part}
	case l.Arguments != nil:
		item, err = r.sample(l)
	default:
		item.Kind = Choice
		if l.Gold != nil {
			item.Gold = *l.Gold
		}
		if len(l.Choices) == 0 {
			return item, fmt.Errorf("choices is empty")
		}
		if item.Gold < -1 || item.Gold >= len(l.Choices) {
			return item, fmt.Errorf("gold is %d of %d choices, counted from 0", item.Gold, len(l.Choices))
		}
		for i, choice := range l.Choices {
			if part, err = r.pair(l.Context, choice); err != nil {
				return item, fmt.Errorf("choice %d: %w", i, err)
			}
			item.Parts = append(item.Parts, part)
		}
	}
	return item, err
}

// text is a part of all tokens but the first.
func (r Reader) text(l line) (Part, error) {
	p := Part{Tokens: l.Tokens, From: 1}
	if l.Text != nil {
		ids, err := r.encode(*l.Text)
		if err != nil {
			return p, err
		}
		p.Tokens, p.Bytes = ids, len(*l.Text)
		if len(ids) > 0 && !r.Text.Tokenizer.IsSpecial(ids[0]) { // it is no begin token
			p.Bytes -= len(r.Text.Tokenizer.Bytes(ids[0]))
		}
	} else if len(l.Tokens) > 0 {
		p.Bytes = r.bytes(l.Tokens[1:])
	}
	if len(p.Tokens) < 2 {
		return p, fmt.Errorf("a text needs two tokens or more, as the first has nothing before it; this one has %d", len(p.Tokens))
	}
	return p, r.known(p.Tokens)
}

// pair is a part of a context and what follows it. Text is split as lm-eval does: spaces at the end of the context go to the continuation,
// and the continuation's tokens are those of both that the context alone does not have.
func (r Reader) pair(context, continuation json.RawMessage) (Part, error) {
	before, beforeIDs, err := textOrIDs(context, "context")
	if err != nil {
		return Part{}, err
	}
	after, afterIDs, err := textOrIDs(continuation, "continuation")
	if err != nil {
		return Part{}, err
	}
	var p Part
	switch {
	case (beforeIDs != nil) != (afterIDs != nil) && (beforeIDs != nil || before != ""):
		return p, fmt.Errorf("context and continuation are one a text, the other token ids: want both alike")
	case afterIDs != nil:
		p = Part{Tokens: append(r.context(beforeIDs), afterIDs...), Bytes: r.bytes(afterIDs), Length: len(afterIDs)}
		p.From = len(p.Tokens) - len(afterIDs)
	default:
		p.Bytes, p.Length = len(after), utf8.RuneCountInString(strings.TrimLeft(after, " \t\n\r"))
		ids, err := r.encode(strings.TrimRight(before, " \t\n\r"))
		if err != nil {
			return p, err
		}
		if p.Tokens, err = r.encode(before + after); err != nil {
			return p, err
		}
		if p.From = len(ids); p.From == 0 {
			first := r.context(nil)
			p.Tokens, p.From = append(first, p.Tokens...), len(first)
		}
	}
	switch {
	case p.From < 1:
		return p, fmt.Errorf("an empty context: this model has no token to begin with")
	case p.From >= len(p.Tokens):
		return p, fmt.Errorf("the continuation has no tokens of its own")
	}
	return p, r.known(p.Tokens)
}

// context is a context's tokens; of an empty one, the token that a text of this model begins with, or else that it ends with.
func (r Reader) context(ids []int32) []int32 {
	begin, ok := r.Text.BeginID()
	if stops := r.Text.StopIDs(); !ok && len(stops) > 0 {
		begin, ok = stops[0], true
	}
	if len(ids) == 0 && ok {
		return []int32{begin}
	}
	return append([]int32(nil), ids...)
}

// encode is a text's tokens.
func (r Reader) encode(text string) ([]int32, error) {
	if r.NoBegin && r.Text.Tokenizer != nil {
		return r.Text.Tokenizer.Encode(text, tokenizer.EncodeOptions{ParseSpecial: r.ParseSpecial})
	}
	return r.Text.EncodePrompt(text, r.ParseSpecial)
}

// known says which token the model does not have, if one.
func (r Reader) known(ids []int32) error {
	for i, id := range ids {
		if id < 0 || int(id) >= r.Text.Rows {
			return fmt.Errorf("token %d is %d: the vocabulary has %d", i, id, r.Text.Rows)
		}
	}
	return nil
}

// bytes is how much text tokens are; 0 without a tokenizer.
func (r Reader) bytes(ids []int32) (n int) {
	for _, id := range ids {
		if r.Text.Tokenizer != nil {
			n += len(r.Text.Tokenizer.Bytes(id))
		}
	}
	return n
}

// textOrIDs reads what is either; neither: an empty text.
func textOrIDs(raw json.RawMessage, what string) (text string, ids []int32, err error) {
	if raw == nil || json.Unmarshal(raw, &text) == nil {
		return text, nil, nil
	}
	if err := json.Unmarshal(raw, &ids); err != nil {
		return "", nil, fmt.Errorf("%s is neither a text nor a list of token ids", what)
	}
	if ids == nil {
		ids = []int32{}
	}
	return "", ids, nil
}
