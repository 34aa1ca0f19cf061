package serve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/decode"
)

// chatDialect is OpenAI's chat completions.
var chatDialect = &Dialect{
	Path: "/v1/chat/completions", Prefix: "chatcmpl-", Decode: decodeChat,
	Whole: func(a *Ask, r *Result) any { return chatWhole(a, r) }, Stream: chatStream,
}

func decodeChat(f *Fields) (*Ask, error) {
	a := &Ask{Limit: -1}
	f.Common(a)
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		if n := f.Whole(name, 1, maxTokens); n != nil {
			a.Limit = *n
		}
	}
	a.Logprobs = f.Flag("logprobs")
	if n := f.Whole("top_logprobs", 0, maxTop); n != nil {
		if a.Top = *n; !a.Logprobs {
			f.Fail(Refuse("top_logprobs", "top_logprobs is for logprobs: true"))
		}
	}
	p := Prompt{Chat: f.chatOptions()}
	var list []json.RawMessage
	if !f.Read("messages", "a list of messages", &list) {
		f.Fail(Refuse("messages", "messages is missing"))
	}
	for i, raw := range list {
		p.Messages = append(p.Messages, f.message(fmt.Sprintf("messages[%d]", i), raw))
	}
	if len(list) == 0 {
		f.Fail(Refuse("messages", "messages is empty: at least one is needed"))
	}
	a.Prompts = []Prompt{p}
	return a, nil
}

// chatOptions reads how the model is to answer, by the names that servers have for it.
func (f *Fields) chatOptions() (o arch.ChatOptions) {
	given := f
	if kwargs := f.object("chat_template_kwargs"); kwargs != nil {
		for name := range kwargs.raw {
			if name != "enable_thinking" && name != "conditions" {
				f.Fail(unsupported("chat_template_kwargs."+name, "chat forms take enable_thinking and conditions"))
			}
		}
		given = kwargs
	}
	for _, from := range []*Fields{f, given} {
		if from.Has("enable_thinking") {
			if o.Thinking = arch.ThinkingOff; from.Flag("enable_thinking") {
				o.Thinking = arch.ThinkingOn
			}
		}
		from.Read("conditions", "a list of strings", &o.Conditions)
	}
	f.take(given)
	return o
}

// roles are those of messages, by the names that clients have for them.
var roles = map[string]string{"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

// message reads one message, whose place in the request is at.
func (f *Fields) message(at string, raw json.RawMessage) arch.Message {
	m := &Fields{at: at + "."}
	defer f.take(m)
	if err := json.Unmarshal(raw, &m.raw); err != nil || m.raw == nil {
		m.Fail(Refuse(at, "%s is %s, want an object", at, clip(raw)))
		return arch.Message{}
	}
	role, _ := m.Text("role")
	as, known := roles[role]
	switch {
	case role == "tool" || role == "function":
		m.Fail(unsupported(at+".role", "no model here was trained to call tools"))
	case !known:
		m.Fail(Refuse(at+".role", "%s.role is %s, want system, developer, user or assistant", at, clip([]byte(fmt.Sprintf("%q", role)))))
	}
	for _, name := range []string{"tool_calls", "function_call", "audio"} {
		if m.Has(name) && compact(m.raw[name]) != "[]" {
			m.Fail(unsupported(at+"."+name, "messages are text"))
		}
	}
	text := m.Content("content")
	if !m.Has("content") && role != "assistant" {
		m.Fail(Refuse(at+".content", "%s.content is missing", at))
	}
	return arch.Message{Role: as, Content: text}
}

// Content reads a text, or a list of parts that are texts.
func (f *Fields) Content(name string) string {
	if !f.Has(name) {
		return ""
	}
	if f.raw[name][0] == '"' {
		text, _ := f.Text(name)
		return text
	}
	var parts []json.RawMessage
	f.Read(name, "a string or a list of parts", &parts)
	var text strings.Builder
	for i, raw := range parts {
		at := fmt.Sprintf("%s%s[%d]", f.at, name, i)
		part := &Fields{at: at + "."}
		if err := json.Unmarshal(raw, &part.raw); err != nil {
			part.Fail(Refuse(at, "%s is %s, want an object", at, clip(raw)))
		}
		kind, _ := part.Text("type")
		if slices.Contains(thoughtParts, kind) {
			continue
		}
		if !slices.Contains(textParts, kind) {
			part.Fail(unsupported(at, "it is of type "+clip([]byte(kind))+", and models here read text"))
		}
		words, _ := part.Text("text")
		text.WriteString(words)
		f.take(part)
	}
	return text.String()
}

// thoughtParts are the types of parts that hold thoughts of earlier answers: chat forms leave those out.
var thoughtParts = []string{"thinking", "redacted_thinking", "reasoning"}

// textParts are the types of parts that are text, in all dialects.
var textParts = []string{"text", "input_text", "output_text"}

type chatMessage struct {
	Role      string  `json:"role"`
	Content   string  `json:"content"`
	Reasoning string  `json:"reasoning_content,omitempty"`
	Refusal   *string `json:"refusal"`
}

type chatChoice struct {
	Index    int           `json:"index"`
	Message  chatMessage   `json:"message"`
	Logprobs *chatLogprobs `json:"logprobs"`
	Finish   string        `json:"finish_reason"`
	Steps    []int         `json:"x_steps,omitempty"`
}

type chatAnswer struct {
	head
	Choices []chatChoice `json:"choices"`
	Usage   usage        `json:"usage"`
	Timings timings      `json:"timings"`
}

// head begins answers and their chunks.
type head struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

func (r *Result) head(object string) head { return head{r.ID, object, r.Created.Unix(), r.Name} }

func chatWhole(a *Ask, r *Result) chatAnswer {
	w := chatAnswer{head: r.head("chat.completion"), Choices: []chatChoice{}, Usage: r.usage(), Timings: r.timings()}
	for _, c := range r.Choices {
		choice := chatChoice{Index: c.Index, Message: chatMessage{Role: "assistant", Content: c.Text, Reasoning: c.Thinking}, Finish: c.Finish()}
		if a.Logprobs {
			choice.Logprobs = chatLogprobsOf(r.Model, c.Tokens)
		}
		if a.Steps {
			choice.Steps = c.StepsPerToken()
		}
		w.Choices = append(w.Choices, choice)
	}
	return w
}

type chatDelta struct {
	Role      string  `json:"role,omitempty"`
	Content   *string `json:"content,omitempty"`
	Reasoning string  `json:"reasoning_content,omitempty"`
}

type chatChunkChoice struct {
	Index    int           `json:"index"`
	Delta    chatDelta     `json:"delta"`
	Logprobs *chatLogprobs `json:"logprobs"`
	Finish   *string       `json:"finish_reason"`
	Steps    []int         `json:"x_steps,omitempty"`
}

type chatChunk struct {
	head
	Choices []chatChunkChoice `json:"choices"`
	Usage   *usage            `json:"usage,omitempty"`
	Timings *timings          `json:"timings,omitempty"`
}

// chatStream makes chunks. A token whose text is held back comes with the next, unless something else is wanted of it.
func chatStream(a *Ask, r *Result) func(Event) []Frame {
	frame := func(c ...chatChunkChoice) Frame {
		return Frame{Data: chatChunk{head: r.head("chat.completion.chunk"), Choices: c}}
	}
	return func(e Event) (frames []Frame) {
		switch e.Kind {
		case Begin:
			for _, c := range r.Choices {
				frames = append(frames, frame(chatChunkChoice{Index: c.Index, Delta: chatDelta{Role: "assistant", Content: new(string)}}))
			}
		case Delta:
			c := chatChunkChoice{Index: e.Choice.Index}
			if e.Token.Thinking {
				c.Delta.Reasoning = e.Text
			} else {
				c.Delta.Content = &e.Text
			}
			if a.Logprobs {
				c.Logprobs = chatLogprobsOf(r.Model, []decode.Token{e.Token})
			}
			if a.Steps && e.Token.Token >= 0 {
				c.Steps = []int{e.Token.Steps}
			}
			if e.Text != "" || a.Logprobs || a.Steps {
				frames = append(frames, frame(c))
			}
		case End:
			finish := e.Choice.Finish()
			frames = append(frames, frame(chatChunkChoice{Index: e.Choice.Index, Finish: &finish}))
		case Close:
			if a.Usage {
				u, t := r.usage(), r.timings()
				frames = append(frames, Frame{Data: chatChunk{head: r.head("chat.completion.chunk"), Choices: []chatChunkChoice{}, Usage: &u, Timings: &t}})
			}
			frames = append(frames, Frame{Raw: "[DONE]"})
		}
		return frames
	}
}
