package arch

import "fmt"

// hrmConditions are the tokens that tell HRM-Text how to answer: at once, after thinking step by step, and in the manner of
// its noisy or synthetic training data.
var hrmConditions = map[string]string{
	"direct": "<|object_ref_start|>", "cot": "<|object_ref_end|>", "noisy": "<|quad_start|>", "synth": "<|quad_end|>",
}

// hrmForm is a question under conditions, in their order. The model has no other turns and no template.
var hrmForm = &ChatForm{Name: "hrm", Conditions: []string{"direct", "cot", "noisy", "synth"}, Single: true, lay: hrmChat}

func hrmChat(messages []Message, o ChatOptions) ([]PromptPart, error) {
	if len(messages) > 0 && messages[0].Role == "system" {
		return nil, fmt.Errorf("model: a system message: %w (hrm), which is one question", ErrChat)
	}
	if len(messages) != 1 || messages[0].Role != "user" {
		return nil, fmt.Errorf("model: more than one message of the user: %w (hrm), which is one question", ErrChat)
	}
	if o.Conditions == nil {
		o.Conditions = []string{"direct"}
	}
	var p chatParts
	p.token(chatBegin)
	for _, c := range o.Conditions {
		p.token(hrmConditions[c])
	}
	p.text(messages[0].Content)
	p.token(chatEnd)
	return p, nil
}
