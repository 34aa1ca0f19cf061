package arch

import (
	"fmt"
	"slices"
	"strings"
)

// nanbeigeForm is ChatML with thinking in every turn of the assistant. The template is too long to be kept here, and what it does
// with tools is left out.
var nanbeigeForm = &ChatForm{
	Name: "nanbeige", Digest: "ed118a3c5ddf1d24ffa43229de22bacd5b803be31acaafeb4c0fff0cefee551a", Thinking: ThinkingOn, lay: nanbeigeChat,
}

const nanbeigeSystem = "你是南北阁，一款由BOSS直聘自主研发并训练的专业大语言模型。"

// nanbeigeChat lays a conversation out. Thinking before the last question is left out.
func nanbeigeChat(messages []Message, o ChatOptions) ([]PromptPart, error) {
	var p chatParts
	if messages[0].Role != "system" {
		p.turn("system", nanbeigeSystem)
	}
	question := len(messages) - 1
	for i, m := range slices.Backward(messages) {
		if m.Role == "user" {
			question = i
			break
		}
	}
	for i, m := range messages {
		switch {
		case m.Role == "user" || m.Role == "system" && i == 0:
			p.turn(m.Role, m.Content)
		case m.Role == "assistant":
			thought, said := nanbeigeThought(m.Content)
			if i < question {
				thought = ""
			}
			p.turn(m.Role, ThinkBegin+"\n"+thought+"\n"+ThinkEnd+"\n\n"+said)
		default:
			return nil, fmt.Errorf("model: message %d of role %s: %w (nanbeige): a system message comes first, user and assistant follow", i+1, m.Role, ErrChat)
		}
	}
	if o.Answer {
		p.ask()
		p.token(ThinkBegin)
		p.text("\n")
		if o.Thinking == ThinkingOff {
			p.text("\n")
			p.token(ThinkEnd)
			p.text("\n\n")
		}
	}
	return p, nil
}

// nanbeigeThought parts what the assistant said from what it thought before.
func nanbeigeThought(content string) (thought, said string) {
	thought, _, found := strings.Cut(content, ThinkEnd)
	if !found {
		return "", content
	}
	if at := strings.LastIndex(thought, ThinkBegin); at >= 0 {
		thought = thought[at+len(ThinkBegin):]
	}
	said = content[strings.LastIndex(content, ThinkEnd)+len(ThinkEnd):]
	return strings.TrimSpace(thought), strings.Trim(said, "\n")
}
