package arch

import (
	"fmt"
	"regexp"
	"strings"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant"; "Huginn" is the assistant too
	Content string
}

// PromptPart is a stretch of a prompt: the name of one special token, or text in which nothing is special, whatever
// it looks like.
type PromptPart struct {
	Text    string
	Special bool
}

// Special tokens of Huginn's chat form. Their ids are the tokenizer's to say.
const (
	BeginText   = "<|begin_text|>"
	EndText     = "<|end_text|>"
	beginHeader = "<|begin_header|>"
	endHeader   = "<|end_header|>"
	EndTurn     = "<|end_turn|>"
)

// assistantName is how the assistant's turns are headed.
const assistantName = "Huginn"

var roleForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ChatPrompt lays a conversation out in Huginn's chat form: the begin token, each message as a header with its role, two
// newlines, the content without outer white space, and an end of turn. With ask it ends in the header of the
// answer to come, otherwise in the end of text. The model was given no default system message, so none is added.
//
// Parts keep a content that spells a special token from acting as one. They can be encoded one by one: special
// tokens are boundaries for the tokenizer anyway.
func ChatPrompt(messages []Message, task bool) ([]PromptPart, error) {
	parts := []PromptPart{{BeginText, true}}
	header := func(role string) {
		parts = append(parts, PromptPart{beginHeader, true}, PromptPart{role, false}, PromptPart{endHeader, true})
	}
	for i, m := range messages {
		role := m.Role
		if role == "assistant" {
			role = assistantName
		}
		if !roleForm.MatchString(role) {
			return nil, fmt.Errorf("model: message %d has role %.80q; use system, user or assistant", i+1, m.Role)
		}
		header(role)
		parts = append(parts, PromptPart{"\n\n" + strings.TrimSpace(m.Content), false}, PromptPart{EndTurn, true})
	}
	if !task {
		return append(parts, PromptPart{EndText, true}), nil
	}
	header(assistantName)
	return append(parts, PromptPart{"\n\n", false}), nil
}
