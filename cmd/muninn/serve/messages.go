package serve

import (
	"encoding/json"
	"fmt"

	"muninn/model/arch"
)

// messagesDialect is Anthropic's messages.
var messagesDialect = &Dialect{
	Path: anthropicPath, Prefix: "msg_", Decode: decodeMessages, Named: "error", Ping: &Frame{Event: "ping", Data: map[string]string{"type": "ping"}},
	Whole: func(a *Ask, r *Result) any { return messagesWhole(a, r) }, Stream: messagesStream,
}

// budgets is what thinking.budget_tokens stands for: an effort, for budgets of up to so many tokens. It bounds no thoughts, as they are bounded by max_tokens.
var budgets = []struct {
	tokens int
	effort string
}{
	{1024, "low"},
	{4096, "medium"},
	{16384, "high"},
	{maxTokens, "xhigh"},
}

// budgetEffort is the effort of a budget.
func budgetEffort(tokens int) string {
	for _, b := range budgets {
		if tokens <= b.tokens {
			return b.effort
		}
	}
	return budgets[len(budgets)-1].effort
}

// messagesRefused are fields of this dialect that ask for what is not here.
var messagesRefused = []refusal{
	{"mcp_servers", []string{"[]"}, "the server asks no others"},
	{"container", nil, "the server runs nothing"},
	{"context_management", []string{"{}"}, "nothing is left out of a conversation"},
	{"output_format", nil, "answers are text"},
	{"n", []string{"1"}, "a message has one answer"},
	{"max_completion_tokens", nil, "here it is called max_tokens"},
	{"stop", nil, "here it is called stop_sequences"},
}

func decodeMessages(f *Fields) (*Ask, error) {
	f.refuse(messagesRefused)
	a := &Ask{}
	f.Common(a)
	if n := f.Whole("max_tokens", 1, maxTokens); n != nil {
		a.Limit = *n
	} else {
		f.Fail(Refuse("max_tokens", "max_tokens is missing: the most tokens that the answer may have"))
	}
	a.Stop = f.stops("stop_sequences")
	if o := f.object("metadata"); o != nil {
		a.User, _ = o.Text("user_id")
		f.take(o)
	}
	p, effort := f.conversation()
	if effort != "" {
		a.Effort = effort
	}
	a.Prompts = []Prompt{p}
	return a, nil
}

// conversation reads what is to be answered, and the effort that is to be made; empty: nothing is said of it.
func (f *Fields) conversation() (p Prompt, effort string) {
	if text := f.Content("system"); text != "" {
		p.Messages = append(p.Messages, arch.Message{Role: "system", Content: text})
	}
	var list []json.RawMessage
	if f.Read("messages", "a list of messages", &list); len(list) == 0 {
		f.Fail(Refuse("messages", "messages is missing or empty: at least one is needed"))
	}
	for i, raw := range list {
		p.Messages = append(p.Messages, f.message(fmt.Sprintf("messages[%d]", i), raw))
	}
	if n := len(p.Messages); n > 0 && p.Messages[n-1].Role == "assistant" {
		f.Fail(unsupported("messages", "the last message is the assistant's, and models begin their answers themselves"))
	}
	p.Chat.Thinking, effort = f.thinking()
	p.Wish = true
	if o := f.object("output_config"); o != nil {
		if named := o.effort("effort"); named != "" {
			effort = named
		}
		o.refuse([]refusal{{"format", nil, "answers are text"}})
		f.take(o)
	}
	return p, effort
}

// thinking reads whether the model is to think, and its budget as an effort.
func (f *Fields) thinking() (thinking arch.Thinking, effort string) {
	o := f.object("thinking")
	if o == nil {
		return "", ""
	}
	defer f.take(o)
	budget := o.Whole("budget_tokens", 1, maxTokens)
	switch kind, _ := o.Text("type"); {
	case kind == "disabled":
		return arch.ThinkingOff, ""
	case kind == "adaptive":
		return arch.ThinkingOn, ""
	case kind != "enabled":
		o.Fail(Refuse("thinking.type", "thinking.type is %s, want enabled, adaptive or disabled", clip([]byte(fmt.Sprintf("%q", kind)))))
	case budget == nil:
		o.Fail(Refuse("thinking.budget_tokens", "thinking.budget_tokens is missing"))
	default:
		effort = budgetEffort(*budget)
	}
	return arch.ThinkingOn, effort
}

// countTokens counts those of a conversation, as it would be answered.
func countTokens(f *Fields, m *Model) (any, error) {
	f.refuse(messagesRefused)
	f.refuse(refused)
	p, _ := f.conversation()
	if f.Err != nil {
		return nil, f.Err
	}
	ids, err := p.encode(m)
	return map[string]int{"input_tokens": len(ids)}, err
}
