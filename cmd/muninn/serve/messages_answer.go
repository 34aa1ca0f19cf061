package serve

import "muninn/model/decode"

// message is an answer, or its beginning.
type message struct {
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Role         string       `json:"role"`
	Model        string       `json:"model"`
	Content      []block      `json:"content"`
	StopReason   *string      `json:"stop_reason"`
	StopSequence *string      `json:"stop_sequence"`
	StopDetails  *struct{}    `json:"stop_details"`
	Container    *struct{}    `json:"container"`
	Diagnostics  *struct{}    `json:"diagnostics"`
	Usage        messageUsage `json:"usage"`
	Steps        []int        `json:"x_steps,omitempty"`
	Timings      *timings     `json:"timings,omitempty"`
}

// block is a part of an answer.
type block struct {
	Type      string  `json:"type"`
	Text      *string `json:"text,omitempty"`
	Citations *[]any  `json:"citations,omitempty"` // of a text: there are none
	Thinking  *string `json:"thinking,omitempty"`
	Signature *string `json:"signature,omitempty"` // of thoughts: nobody has signed them
}

func blockOf(p Part) block {
	if p.Thinking {
		return block{Type: "thinking", Thinking: &p.Text, Signature: new(string)}
	}
	return block{Type: "text", Text: &p.Text, Citations: &[]any{}}
}

// messageUsage counts cached tokens apart from Input.
type messageUsage struct {
	Input     int       `json:"input_tokens"`
	Written   int       `json:"cache_creation_input_tokens"`
	Cached    int       `json:"cache_read_input_tokens"`
	Creation  *struct{} `json:"cache_creation"`
	Output    int       `json:"output_tokens"`
	Details   thoughts  `json:"output_tokens_details"`
	Tools     *struct{} `json:"server_tool_use"`
	Tier      string    `json:"service_tier"`
	Geo       *string   `json:"inference_geo"`
	Speed     *string   `json:"speed"`
	CoreSteps int       `json:"x_core_steps"`
	Layers    float64   `json:"x_effective_layers"`
}

type thoughts struct {
	Tokens int `json:"thinking_tokens"`
}

// stopReasons are Anthropic's words for why an answer ended.
var stopReasons = map[decode.Finish]string{decode.FinishStop: "end_turn", decode.FinishLength: "max_tokens", decode.FinishContext: "model_context_window_exceeded"}

// stopReason is why an answer ended, and by which text; nil: by none.
func stopReason(a *Ask, r *Result) (reason string, by *string) {
	c := r.Choices[0]
	if by = orNull(c.stoppedBy(r.Model, a.Stop)); by != nil {
		return "stop_sequence", by
	}
	return stopReasons[c.Out.Finish], nil
}

func messageBegun(r *Result) *message {
	return &message{ID: r.ID, Type: "message", Role: "assistant", Model: r.Name, Content: []block{}, Usage: messageUsage{Input: len(r.Choices[0].Prompt), Tier: "standard"}}
}

func messageUsageOf(r *Result) messageUsage {
	u := r.usage()
	return messageUsage{Input: u.Prompt - u.Details.Cached, Cached: u.Details.Cached, Output: u.Completion, Details: thoughts{u.Completions.Reasoning}, Tier: "standard",
		CoreSteps: u.CoreSteps, Layers: u.Layers}
}

func messagesWhole(a *Ask, r *Result) *message {
	w, t := messageBegun(r), r.timings()
	for _, p := range r.Choices[0].parts() {
		w.Content = append(w.Content, blockOf(p))
	}
	reason, by := stopReason(a, r)
	w.StopReason, w.StopSequence, w.Usage, w.Timings = &reason, by, messageUsageOf(r), &t
	if a.Steps {
		w.Steps = r.Choices[0].StepsPerToken()
	}
	return w
}

// messageEvent is one event of a stream.
type messageEvent struct {
	Type    string        `json:"type"`
	Message *message      `json:"message,omitempty"`
	Index   *int          `json:"index,omitempty"`
	Block   *block        `json:"content_block,omitempty"`
	Delta   any           `json:"delta,omitempty"`
	Usage   *messageUsage `json:"usage,omitempty"`
	Steps   []int         `json:"x_steps,omitempty"`
	Timings *timings      `json:"timings,omitempty"`
}

// messageDelta is what a message becomes at its end.
type messageDelta struct {
	StopReason   string    `json:"stop_reason"`
	StopSequence *string   `json:"stop_sequence"`
	StopDetails  *struct{} `json:"stop_details"`
	Container    *struct{} `json:"container"`
}

// messagesStream makes the events of an answer. Blocks are its parts.
func messagesStream(a *Ask, r *Result) func(Event) []Frame {
	open, c := -1, r.Choices[0]
	var since held // tokens since the last delta
	var out []Frame
	send := func(e messageEvent) { out = append(out, Frame{Event: e.Type, Data: e}) }
	closes := func() {
		if at := open; at >= 0 {
			send(messageEvent{Type: "content_block_stop", Index: &at})
		}
	}
	opens := func(part int) {
		if open != part {
			closes()
			open = part
			empty := blockOf(Part{Thinking: c.parts()[part].Thinking})
			send(messageEvent{Type: "content_block_start", Index: &part, Block: &empty})
		}
	}
	return func(e Event) []Frame {
		out = nil
		switch e.Kind {
		case Begin:
			send(messageEvent{Type: "message_start", Message: messageBegun(r)})
		case Delta:
			since.push(e.Token)
			if e.Text == "" {
				break
			}
			part := len(c.Parts) - 1
			opens(part)
			delta := messageEvent{Type: "content_block_delta", Index: &part, Delta: map[string]string{"type": "text_delta", "text": e.Text}}
			if e.Token.Thinking {
				delta.Delta = map[string]string{"type": "thinking_delta", "thinking": e.Text}
			}
			if tokens := since.pull(); a.Steps {
				delta.Steps = stepsOf(tokens)
			}
			send(delta)
		case Close:
			opens(len(c.parts()) - 1) // of an empty answer
			closes()
			w := messagesWhole(a, r)
			send(messageEvent{Type: "message_delta", Delta: messageDelta{StopReason: *w.StopReason, StopSequence: w.StopSequence}, Usage: &w.Usage, Steps: w.Steps, Timings: w.Timings})
			send(messageEvent{Type: "message_stop"})
		}
		return out
	}
}
