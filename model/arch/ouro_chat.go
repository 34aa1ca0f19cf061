package arch

// Ouro's chat form is ChatML: all messages as they are, after a system message where the first is none, which the community's form for
// the Thinking models leaves out. Those take up thinking if they are asked to.
var ouroForms = []*ChatForm{
	ouroForm("ouro", true, ""), ouroForm("ouro-thinking", true, ThinkingOff), ouroForm("ouro-thinking without a system message", false, ThinkingOff),
}

const ouroSystem = "You are a helpful assistant."

func ouroForm(name string, system bool, thinking Thinking) *ChatForm {
	template := `{%- if messages[0]['role'] == 'system' -%}{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}`
	if system {
		template += `{%- else -%}{{- '<|im_start|>system\n` + ouroSystem + `<|im_end|>\n' }}`
	}
	template += `{%- endif -%}{%- for message in messages -%}{%- if message.role == 'system' and loop.first -%}{%- else -%}` +
		`{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{%- endif -%}{%- endfor -%}` +
		`{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' }}`
	if thinking != "" {
		template += `{%- if enable_thinking is defined and enable_thinking is true -%}{{- '<think>\n' }}{%- endif -%}`
	}
	template += `{%- endif -%}`
	opens := map[Thinking]string{ThinkingOn: ThinkBegin + "\n"}
	return &ChatForm{Name: name, Template: template, Thinking: thinking, opens: opens, lay: func(messages []Message, o ChatOptions) ([]PromptPart, error) {
		var p chatParts
		if system && messages[0].Role != "system" {
			p.turn(Message{Role: "system", Content: ouroSystem})
		}
		for _, m := range messages {
			p.turn(m)
		}
		if o.Answer {
			p.ask()
			p.own(opens[o.Thinking])
		}
		return p, nil
	}}
}
