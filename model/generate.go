package model

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"muninn/model/tokenizer"
)

// Request is one text to generate.
type Request struct {
	Prompt      []int32
	Steps       int // num_steps of every token
	MaxTokens   int // at most; 0: until a stop or the end of the context
	Pick        Sampling
	Sampler     Sampler  // how tokens are decoded; plain
	StopIDs     []int32  // stop after any of these; Model.StopIDs for the model's own
	StopStrings []string // stop before any of these
}

// Token is one generated token.
type Token struct {
	Choice
	// Text is what became certain with this token: half runes and the possible start of a stop string are held back.
	Text string
}

// Finish says why a generation ended.
type Finish string

// FinishStop: a stop token or string. FinishLength: MaxTokens. FinishContext: the session's context is full.
const (
	FinishStop    Finish = "stop"
	FinishLength  Finish = "length"
	FinishContext Finish = "context"
)

// Generate runs a request on sequence seq of the session. emit is called for each token as it is decided; a last call with
// Token.Token -1 hands out text still held back, if any. An error of emit ends the run.
func (m *Model) Generate(ctx context.Context, s *Session, seq int, req Request, emit func(Token) error) (Outcome, error) {
	return m.sample(s.Engine(ctx), seq, req, emit)
}

// sample is Sample with the text of the tokens.
func (m *Model) sample(e Engine, seq int, req Request, emit func(Token) error) (Outcome, error) {
	text := m.textStream(req.StopStrings)
	stopped := false
	out, err := Sample(e, seq, req, func(c Choice) (bool, error) {
		piece := ""
		if !slices.Contains(req.StopIDs, c.Token) {
			piece, stopped = text.push(c.Token)
		}
		return stopped, emit(Token{Choice: c, Text: piece})
	})
	if err != nil || stopped {
		return out, err
	}
	if rest := text.flush(); rest != "" {
		err = emit(Token{Choice: Choice{Seq: seq, Token: -1}, Text: rest})
	}
	return out, err
}

// StopIDs are the tokens that end an answer: the reference's three, by their names where the tokenizer has them, and
// the generation config's.
func (m *Model) StopIDs() []int32 {
	var ids []int32
	for _, id := range m.Generation.EOS {
		ids = append(ids, int32(id))
	}
	for _, t := range []struct {
		name string
		id   int32
	}{{"<|begin_text|>", 65504}, {"<|end_text|>", 65505}, {"<|end_turn|>", 65508}} {
		id := t.id
		if m.Tokenizer != nil {
			var ok bool
			if id, ok = m.Tokenizer.ID(t.name); !ok {
				continue
			}
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// BeginID is the token that a text begins with, if the model has one.
func (m *Model) BeginID() (int32, bool) {
	if m.Generation.BOS >= 0 {
		return int32(m.Generation.BOS), true
	}
	if m.Tokenizer == nil {
		return 0, false
	}
	return m.Tokenizer.ID("<|begin_text|>")
}

// EncodePrompt turns text into ids, with the begin token in front.
// parseSpecial makes special tokens written in the text count as such.
func (m *Model) EncodePrompt(text string, parseSpecial bool) ([]int32, error) {
	if m.Tokenizer == nil {
		return nil, fmt.Errorf("%w: give token ids instead of text, or add the tokenizer.json of the model", ErrNoTokenizer)
	}
	ids, err := m.Tokenizer.Encode(text, tokenizer.EncodeOptions{ParseSpecial: parseSpecial})
	if err != nil {
		return nil, err
	}
	if begin, ok := m.BeginID(); ok && (len(ids) == 0 || ids[0] != begin) {
		ids = append([]int32{begin}, ids...)
	}
	return ids, nil
}

// textStream turns a run of tokens into text as it becomes certain.
type textStream struct {
	decode *tokenizer.Stream // nil without a tokenizer: no text
	stops  *StopMatcher
}

func (m *Model) textStream(stops []string) *textStream {
	t := &textStream{stops: NewStopMatcher(stops)}
	if m.Tokenizer != nil {
		t.decode = m.Tokenizer.NewStream()
	}
	return t
}

// push adds a token. stopped tells that a stop string is complete: the text before it is returned.
func (t *textStream) push(id int32) (text string, stopped bool) {
	if t.decode == nil {
		return "", false
	}
	return t.stops.Push(t.decode.Push(id))
}

// flush gives what was held back at the end.
func (t *textStream) flush() string {
	if t.decode == nil {
		return ""
	}
	text, stopped := t.stops.Push(t.decode.Flush())
	if stopped {
		return text
	}
	return text + t.stops.Flush()
}

// loadTokenizer parses the checkpoint's tokenizer; nil when it has none.
func loadTokenizer(ck *Checkpoint) (*tokenizer.Tokenizer, error) {
	data, err := ck.TokenizerJSON()
	if errors.Is(err, ErrNoTokenizer) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: tokenizer.json: %w", ErrModel, err)
	}
	return t, nil
}
