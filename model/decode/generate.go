package decode

import (
	"slices"
	"strings"

	"muninn/model/tokenizer"
)

// Request is one text to generate.
type Request struct {
	Prompt    []int32
	Held      int // of Prompt's first tokens, that the sequence holds already (Session.Sync); 0: Prompt follows what it holds
	Prefix    int // of Prompt's first tokens, that see each other; 0: none
	Steps     int // num_steps of every token
	MaxTokens int // at most; 0: until a stop or the end of the context, none if Score
	Top       int // so many of the likeliest tokens with each decided one and, if Score, each of the prompt: 0 to MostTop
	// Score asks for the log probabilities of the prompt's own tokens, from the one of index ScoreFrom on. These run, whatever the
	// sequence holds, those before may be held.
	Score       bool
	ScoreFrom   int
	Pick        Filters
	Strategy    Strategy // how tokens are decoded; plain
	StopIDs     []int32  // stop after any of these; Model.StopIDs for the model's own
	StopStrings []string // stop before any of these
	Owner       string   // whose it is: in a Loop's queue those of different owners take turns; behind a slash, for whom he asks, by whom his own take turns
	// Instead, if set, decodes the request in place of Generate, on a sequence that holds nothing. It may be called again, should the request give way to others.
	Instead func(e Engine, seq int, emit func(Token) error) (Outcome, error)
	// Progress, if set, is told from time to time how many tokens of the prompt have been read.
	Progress func(done, total int)
}

// Token is one generated token.
type Token struct {
	Choice
	// Text is what became certain with this token: half runes and the possible start of a stop string are held back.
	Text     string
	Thinking bool // the token lies in what the model thinks before it answers, or is one of the marks around that
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
	if req.Instead != nil {
		return req.Instead(e, seq, emit)
	}
	var text *tokenizer.Stream // nil: no text
	if t != nil {
		text = t.NewStream()
	}
	stops, stopped := NewStopMatcher(req.StopStrings), false
	thinks := newThoughts(t, req.Prompt)
	out, err := Decode(e, seq, req, func(c Choice) (bool, error) {
		piece := ""
		if text != nil && !slices.Contains(req.StopIDs, c.Token) {
			piece, stopped = stops.Push(text.Push(c.Token))
		}
		return stopped, emit(Token{Choice: c, Text: piece, Thinking: thinks.next(c.Token)})
	})
	if err != nil || stopped || text == nil {
		return out, err
	}
	rest, _ := stops.Push(text.Flush())
	if rest += stops.Flush(); rest != "" {
		err = emit(Token{Choice: Choice{Seq: seq, Token: -1}, Text: rest, Thinking: thinks.inside})
	}
	return out, err
}

// StopMatcher watches streamed text for stop strings. Text that may be the beginning of one is held back, and what
// comes out does not depend on how the text was cut into pieces.
type StopMatcher struct {
	stops   []string
	held    string // a proper prefix of some stop string
	stopped bool
}

// NewStopMatcher watches for any of stops. Empty ones are passed over: they would stop everything.
func NewStopMatcher(stops []string) *StopMatcher {
	m := &StopMatcher{}
	for _, s := range stops {
		if s != "" {
			m.stops = append(m.stops, s)
		}
	}
	return m
}

// Push takes the next piece and gives the text that is certain by now. At the first stop string to be complete the
// text ends before it and stopped is true; the longest counts if several are complete at once. Later pieces give nothing.
func (m *StopMatcher) Push(piece string) (text string, stopped bool) {
	if m.stopped {
		return "", true
	}
	buf := m.held + piece
	m.held = ""
	start, end := -1, 0
	for _, s := range m.stops {
		at := strings.Index(buf, s)
		if at >= 0 && (start < 0 || at+len(s) < end || at+len(s) == end && at < start) {
			start, end = at, at+len(s)
		}
	}
	if start >= 0 {
		m.stopped = true
		return buf[:start], true
	}
	cut := len(buf) - m.beginning(buf)
	m.held = buf[cut:]
	return buf[:cut], false
}

// beginning is the length of the longest end of buf with which a stop string begins.
func (m *StopMatcher) beginning(buf string) int {
	longest := 0
	for _, s := range m.stops {
		for n := min(len(s)-1, len(buf)); n > longest; n-- {
			if strings.HasSuffix(buf, s[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// Flush ends the text: it gives what is still held back, nothing after a stop.
func (m *StopMatcher) Flush() string {
	text := m.held
	m.held = ""
	return text
}
