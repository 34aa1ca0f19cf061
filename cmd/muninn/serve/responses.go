package serve

import (
	"encoding/json"
	"fmt"
	"slices"

	"muninn/model/arch"
)

// responsesDialect is OpenAI's responses. Nothing is stored, whatever store says: an answer says store: false, and there is none to go on from.
var responsesDialect = &Dialect{
	Path: "/v1/responses", Prefix: responsePrefix, Decode: decodeResponses, Named: "error",
	Whole: func(a *Ask, r *Result) any { return responsesWhole(a, r) }, Stream: responsesStream,
}

const responsePrefix = "resp_"

// responsesEcho is what an answer repeats of its request.
type responsesEcho struct {
	instructions *string
	limit        *int
	metadata     json.RawMessage
}

// responsesRefused are fields of this dialect that ask for what is not here.
var responsesRefused = []refusal{
	{"previous_response_id", nil, "nothing is stored; send the conversation as input"},
	{"conversation", nil, "nothing is stored; send the conversation as input"},
	{"prompt", nil, "no prompts are stored; send input"},
	{"background", []string{"false"}, "answers are not kept until they are fetched"},
	{"truncation", []string{`"disabled"`}, "nothing is left out of a conversation"},
	{"context_management", []string{"[]"}, "nothing is left out of a conversation"},
	{"moderation", nil, "nothing is moderated"},
	{"n", []string{"1"}, "a response has one answer"},
	{"max_tokens", nil, "here it is called max_output_tokens"},
	{"max_completion_tokens", nil, "here it is called max_output_tokens"},
	{"messages", nil, "here it is called input"},
}

func decodeResponses(f *Fields) (*Ask, error) {
	f.refuse(responsesRefused)
	a := &Ask{Limit: -1}
	f.Common(a)
	echo := &responsesEcho{metadata: json.RawMessage("{}")}
	if echo.limit = f.Whole("max_output_tokens", 1, maxTokens); echo.limit != nil {
		a.Limit = *echo.limit
	}
	if f.object("metadata") != nil {
		echo.metadata = f.raw["metadata"]
	}
	if o := f.object("reasoning"); o != nil {
		if effort := o.effort("effort"); effort != "" {
			a.Effort = effort
		}
		o.refuse([]refusal{{"mode", []string{`"standard"`}, "there is one way to think"}})
		f.take(o)
	}
	if o := f.object("text"); o != nil {
		o.refuse([]refusal{{"format", []string{`{"type":"text"}`}, "answers are text"}, {"verbosity", []string{`"medium"`}, "no model here was trained to be brief or long"}})
		f.take(o)
	}
	f.include(a)
	p := Prompt{Chat: f.chatOptions(), Messages: f.input()}
	if len(p.Messages) == 0 {
		f.Fail(Refuse("input", "input is missing or empty: a text, or a list with a message, is needed"))
	} else if text, given := f.Text("instructions"); given {
		echo.instructions = &text
		if first := &p.Messages[0]; first.Role == "system" { // chat forms have room for one
			first.Content = text + "\n\n" + first.Content
		} else {
			p.Messages = slices.Insert(p.Messages, 0, arch.Message{Role: "system", Content: text})
		}
	}
	a.Prompts, a.kept = []Prompt{p}, echo
	if a.User == "" {
		a.User, _ = f.Text("safety_identifier")
	}
	return a, nil
}

// effort reads one of EffortNames.
func (f *Fields) effort(name string) string {
	effort, _ := f.Text(name)
	if effort != "" && !slices.Contains(EffortNames(), effort) {
		f.Fail(unknownEffort(f.at+name, effort))
	}
	return effort
}

// include reads what an answer is to have besides its text.
func (f *Fields) include(a *Ask) {
	var list []string
	f.Read("include", "a list of strings", &list)
	for _, what := range list {
		switch what {
		case "message.output_text.logprobs":
			a.Logprobs = true
		case "reasoning.encrypted_content": // thoughts are there as they are
		default:
			f.Fail(unsupported("include", "it has "+clip([]byte(what))+", which no answer has"))
		}
	}
	if n := f.Whole("top_logprobs", 0, maxTop); n != nil {
		a.Top, a.Logprobs = *n, a.Logprobs || *n > 0
	}
}

// input reads a question, or the items of a conversation. Thoughts of earlier answers are passed over, as chat forms leave them out.
func (f *Fields) input() (list []arch.Message) {
	if !f.Has("input") {
		return nil
	}
	if f.raw["input"][0] == '"' {
		text, _ := f.Text("input")
		return []arch.Message{{Role: "user", Content: text}}
	}
	var items []json.RawMessage
	f.Read("input", "a string or a list of items", &items)
	for i, raw := range items {
		at := fmt.Sprintf("input[%d]", i)
		var item struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal(raw, &item) // message says what is wrong
		switch item.Type {
		case "", "message":
			list = append(list, f.message(at, raw))
		case "reasoning":
		case "item_reference":
			f.Fail(unsupported(at, "nothing is stored that it could refer to"))
		default:
			f.Fail(unsupported(at, "it is of type "+clip([]byte(item.Type))+", and models here read messages"))
		}
	}
	return list
}
