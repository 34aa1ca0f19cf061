// Package chat is a conversation with a model: what was said, how it is laid out as a prompt, and its file. It knows neither
// terminals nor devices.
package chat

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
)

// Turn is a question and what was answered.
type Turn struct {
	Question string
	Answer   string
	ids      []int32 // of the answer as it was generated; nil: it is encoded
}

// Conversation is what was said, and how the model is asked. The zero value of the options is the form's own way.
type Conversation struct {
	System  string
	Turns   []Turn
	Options arch.ChatOptions // Thinking and Conditions

	text checkpoint.Text
	raw  bool // questions are continued as they are
}

// ErrFull is wrapped where a prompt does not fit the context.
var ErrFull = errors.New("the context is full")

// New begins a conversation; raw has each question continued as text. The error of a model that has no chat form wraps
// checkpoint.ErrNoChat.
func New(text checkpoint.Text, raw bool) (*Conversation, error) {
	switch {
	case text.Tokenizer == nil:
		return nil, fmt.Errorf("a chat needs a tokenizer: %w", checkpoint.ErrNoTokenizer)
	case text.Chat == nil && !raw:
		return nil, fmt.Errorf("model: %w: a %s model was not trained to chat; `muninn run MODEL PROMPT` continues a text", checkpoint.ErrNoChat, text.Family.Name)
	}
	return &Conversation{text: text, raw: raw}, nil
}

// Single tells whether the model takes one question, to which nothing said before belongs.
func (c *Conversation) Single() bool { return c.raw || c.text.Chat.Single }

// Prompt lays out the conversation and a question after it. The error wraps arch.ErrChat where the form does not have what is
// asked of it.
func (c *Conversation) Prompt(question string) ([]int32, error) {
	if c.raw {
		if c.System != "" || c.Options.Thinking != "" || c.Options.Conditions != nil {
			return nil, fmt.Errorf("model: a system message, thinking or conditions: %w", arch.ErrChat)
		}
		return c.text.EncodePrompt(question, false)
	}
	var messages []arch.Message
	if c.System != "" {
		messages = append(messages, arch.Message{Role: "system", Content: c.System})
	}
	if !c.Single() {
		for _, t := range c.Turns {
			messages = append(messages, arch.Message{Role: "user", Content: t.Question}, arch.Message{Role: "assistant", Content: t.Answer, IDs: t.ids})
		}
	}
	o := c.Options
	o.Answer = true
	return c.text.EncodeChat(append(messages, arch.Message{Role: "user", Content: question}), o)
}

// Fit is Prompt within a context of so many positions, of which some are left for the answer. With shift the oldest turns are
// dropped whole until that holds, and dropped says how many; without it the error wraps ErrFull.
func (c *Conversation) Fit(question string, context, answer int, shift bool) (ids []int32, dropped int, err error) {
	turns := c.Turns
	defer func() {
		if err != nil {
			c.Turns = turns
		}
	}()
	for {
		ids, err = c.Prompt(question)
		room := context - len(ids)
		switch {
		case err != nil, room >= answer, room >= 0 && (!shift || len(c.Turns) == 0 || c.Single()):
			return ids, dropped, err
		case !shift || len(c.Turns) == 0 || c.Single():
			return nil, 0, fmt.Errorf("%w: the conversation has %d tokens with this message, the context %d positions", ErrFull, len(ids), context)
		}
		c.Turns = c.Turns[1:]
		dropped++
	}
}

// Answered adds a turn. ids are those that were generated, without the one that ended the text; nil where the text does not
// stand for them.
func (c *Conversation) Answered(question, answer string, ids []int32) error {
	t := Turn{Question: question, Answer: answer}
	if !c.raw {
		opening := ""
		for _, p := range c.text.Chat.Opening(c.Options) {
			opening += p.Text
		}
		t.Answer = opening + answer
		if begun := strings.LastIndex(t.Answer, arch.ThinkBegin); begun >= 0 && !strings.Contains(t.Answer[begun:], arch.ThinkEnd) {
			t.Answer, ids = t.Answer+"\n"+arch.ThinkEnd+"\n\n", nil // it was cut short
		}
		if ids != nil {
			var err error
			if t.ids, err = c.text.Said(ids, c.Options); err != nil {
				return err
			}
		}
	}
	c.Turns = append(slices.Clip(c.Turns), t)
	return nil
}

// Drop takes the last turn back and returns it; ok is false where there is none.
func (c *Conversation) Drop() (t Turn, ok bool) {
	last := len(c.Turns) - 1
	if last < 0 {
		return t, false
	}
	t, c.Turns = c.Turns[last], c.Turns[:last]
	return t, true
}

// Restore puts a turn back that Drop took.
func (c *Conversation) Restore(t Turn) { c.Turns = append(slices.Clip(c.Turns), t) }

// Cache tells which positions of a session's sequence stand for the next prompt: what Session.Sync keeps, and beside it what the
// conversation itself ran. Text that was decoded with an exit, as drafts or in slots that steps share was not run as a prompt
// is; a chat goes on from it all the same, as a text does.
type Cache struct {
	ran   decode.Request // how the sequence was run; its prompt does not count
	start decode.Sequence
	sound bool
}

// Session is what Cache needs of an engine.Session.
type Session interface {
	SetSequence(seq int, setting decode.Sequence)
	Sync(seq int, req decode.Request) (held int, err error)
	Rewind(seq, pos int) error
	Tokens(seq int) []int32
}

// Take makes the sequence ready for a request, whose Prompt and Held it sets, and returns how many of the prompt's tokens need not run.
func (k *Cache) Take(s Session, req *decode.Request, start decode.Sequence) (held int, err error) {
	s.SetSequence(0, start)
	common := 0
	for have := s.Tokens(0); common < min(len(have), len(req.Prompt)-1) && have[common] == req.Prompt[common]; common++ {
	}
	same := k.sound && req.Prefix == 0 && k.ran.Steps == req.Steps && reflect.DeepEqual(k.ran.Strategy, req.Strategy) && reflect.DeepEqual(k.start, start)
	k.ran, k.start, k.sound = *req, start, false
	if !same {
		req.Held, err = s.Sync(0, *req)
		return req.Held, err
	}
	req.Prompt, req.Held = req.Prompt[common:], 0
	return common, s.Rewind(0, common)
}

// Ran says that the request came to its end, or was stopped between two tokens.
func (k *Cache) Ran(finished bool) { k.sound = finished || k.ran.Strategy.Plain() }
