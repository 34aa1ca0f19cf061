package arch

import (
	"fmt"
	"slices"
	"strings"
)

// nanbeigeForm is ChatML with thinking in every turn of the assistant. The template is too long to be kept here, and what it does
// with tools is left out: it is the chat_template of 8375 bytes in tokenizer_config.json of Nanbeige4.2-3B at revision f56ec5a.
var nanbeigeForm = &ChatForm{
	Name: "nanbeige", Digest: "ed118a3c5ddf1d24ffa43229de22bacd5b803be31acaafeb4c0fff0cefee551a", Thinking: ThinkingOn, opens: nanbeigeOpens, lay: nanbeigeChat,
}

var nanbeigeOpens = map[Thinking]string{ThinkingOn: ThinkBegin + "\n", ThinkingOff: ThinkBegin + "\n\n" + ThinkEnd + "\n\n"}

const nanbeigeSystem = "你是南北阁，一款由BOSS直聘自主研发并训练的专业大语言模型。"

// nanbeigeChat lays a conversation out. Thinking before the last question is left out.
func nanbeigeChat(messages []Message, o ChatOptions) ([]PromptPart, error) {
	var p chatParts
	if messages[0].Role != "system" {
		p.turn(Message{Role: "system", Content: nanbeigeSystem})
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
			p.turn(m)
		case m.Role == "assistant":
			thought, said := nanbeigeThought(m.Content)
			if i < question && thought != "" {
				thought, m.IDs = "", nil
			}
			if thought != "" || m.IDs == nil {
				m = Message{Role: m.Role, Content: ThinkBegin + "\n" + thought + "\n" + ThinkEnd + "\n\n" + said}
			}
			p.turn(m)
		default:
			return nil, fmt.Errorf("model: message %d of role %s: %w (nanbeige): a system message comes first, user and assistant follow", i+1, m.Role, ErrChat)
		}
	}
	if o.Answer {
		p.ask()
		p.own(nanbeigeOpens[o.Thinking])
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
