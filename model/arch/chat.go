package arch

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant"; to Huginn, "Huginn" is the assistant too
	Content string
	IDs     []int32 // that Content was generated as, where a form lays it out as it is; nil: it is encoded
}

// PromptPart is a stretch of a prompt: the name of one special token, or text in which nothing is special, whatever
// it looks like; or tokens as they were generated.
type PromptPart struct {
	Text    string
	Special bool
	IDs     []int32 // in place of Text; nil: Text counts
}

// ChatOptions say how a conversation is laid out.
type ChatOptions struct {
	Answer       bool     // end where the answer begins
	Thinking     Thinking // whether the answer begins with thinking; empty: as the form has it
	Conditions   []string // how the model is to answer, of the form's Conditions; nil: as the form has it
	ParseSpecial bool     // special tokens spelt in contents count as such; never do this with text from strangers
}

// Thinking asks for thinking before the answer, or for none.
type Thinking string

// Whether to think.
const (
	ThinkingOn  Thinking = "on"
	ThinkingOff Thinking = "off"
)

// The marks around what a model thinks before it answers.
const (
	ThinkBegin = "<think>"
	ThinkEnd   = "</think>"
)

// ChatMarks are tokens that some forms put between contents. They need not be special by their tokenizer.
var ChatMarks = []string{ThinkBegin, ThinkEnd, "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"}

// ChatForm is a way to lay conversations out.
type ChatForm struct {
	Name       string
	Template   string   // of the library, which lays out the same; empty: not in this program
	Digest     string   // SHA-256 of such a template, in hex
	Thinking   Thinking // if nothing is asked; empty: the form has no thinking to ask for
	Conditions []string // that may be asked for
	Single     bool     // there is one question and no turn after it

	opens map[Thinking]string // what is laid out of an answer, where it begins with thinking or is told not to

	lay func(messages []Message, o ChatOptions) ([]PromptPart, error)
}

// ErrChat is wrapped where a form does not have what is asked of it.
var ErrChat = errors.New("not in this model's chat form")

var roleForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Lay lays a conversation out, as the form's template does.
//
// Parts keep a content that spells a special token from acting as one. They can be encoded one by one: special
// tokens are boundaries for the tokenizer anyway.
func (f *ChatForm) Lay(messages []Message, o ChatOptions) ([]PromptPart, error) {
	switch unknown := slices.IndexFunc(o.Conditions, func(c string) bool { return !slices.Contains(f.Conditions, c) }); {
	case len(messages) == 0:
		return nil, fmt.Errorf("model: a chat without a message: %w", ErrChat)
	case o.Thinking != "" && f.Thinking == "":
		return nil, fmt.Errorf("model: thinking: %w (%s)", ErrChat, f.Name)
	case unknown >= 0 && len(f.Conditions) == 0:
		return nil, fmt.Errorf("model: condition %.40q: %w (%s), which has none", o.Conditions[unknown], ErrChat, f.Name)
	case unknown >= 0:
		return nil, fmt.Errorf("model: condition %.40q: %w (%s), which has %s", o.Conditions[unknown], ErrChat, f.Name, strings.Join(f.Conditions, ", "))
	}
	for i, m := range messages {
		if !roleForm.MatchString(m.Role) {
			return nil, fmt.Errorf("model: message %d has role %.80q; use system, user or assistant", i+1, m.Role)
		}
	}
	o.Thinking = cmp.Or(o.Thinking, f.Thinking)
	return f.lay(messages, o)
}

// Opening is what the form itself writes of an answer.
func (f *ChatForm) Opening(o ChatOptions) []PromptPart {
	var p chatParts
	p.own(f.opens[cmp.Or(o.Thinking, f.Thinking)])
	return p
}

// chatParts are a prompt as it grows.
type chatParts []PromptPart

func (p *chatParts) token(name string) { *p = append(*p, PromptPart{Text: name, Special: true}) }

// text appends to the text before, if that is the last part: cut elsewhere it would have other tokens.
func (p *chatParts) text(s string) {
	switch last := len(*p) - 1; {
	case s == "":
	case last >= 0 && !(*p)[last].Special && (*p)[last].IDs == nil:
		(*p)[last].Text += s
	default:
		*p = append(*p, PromptPart{Text: s})
	}
}

// said appends what the assistant said, by its tokens where they are known.
func (p *chatParts) said(m Message) {
	if m.IDs != nil {
		*p = append(*p, PromptPart{IDs: m.IDs})
		return
	}
	p.own(m.Content)
}

// own appends what the assistant said, whose marks of thinking are tokens.
func (p *chatParts) own(content string) {
	for content != "" {
		at, mark := len(content), ""
		for _, m := range []string{ThinkBegin, ThinkEnd} {
			if n := strings.Index(content, m); n >= 0 && n < at {
				at, mark = n, m
			}
		}
		p.text(content[:at])
		if mark != "" {
			p.token(mark)
		}
		content = content[at+len(mark):]
	}
}
