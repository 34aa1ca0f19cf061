package decode

import (
	"slices"

	"muninn/model/tokenizer"
)

// Request is one text to generate.
type Request struct {
	Prompt      []int32
	Held        int // of Prompt's first tokens, that the sequence holds already (Session.Sync); 0: Prompt follows what it holds
	Steps       int // num_steps of every token
	MaxTokens   int // at most; 0: until a stop or the end of the context
	Pick        Filters
	Strategy    Strategy // how tokens are decoded; plain
	StopIDs     []int32  // stop after any of these; Model.StopIDs for the model's own
	StopStrings []string // stop before any of these
	// Progress, if set, is told from time to time how many tokens of the prompt have been read.
	Progress func(done, total int)
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

// Generate is Sample with the text of the tokens, which t gives; nil: no text. emit is called for each token as it is decided; a
// last call with Token.Token -1 hands out text still held back, if any. An error of emit ends the run.
func Generate(e Engine, t *tokenizer.Tokenizer, seq int, req Request, emit func(Token) error) (Outcome, error) {
	text := newTextStream(t, req.StopStrings)
	stopped := false
	out, err := Decode(e, seq, req, func(c Choice) (bool, error) {
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

// textStream turns a run of tokens into text as it becomes certain.
type textStream struct {
	decode *tokenizer.Stream // nil without a tokenizer: no text
	stops  *StopMatcher
}

func newTextStream(t *tokenizer.Tokenizer, stops []string) *textStream {
	s := &textStream{stops: NewStopMatcher(stops)}
	if t != nil {
		s.decode = t.NewStream()
	}
	return s
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
