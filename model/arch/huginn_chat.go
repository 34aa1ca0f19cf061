package arch

import "strings"

// huginnTemplate is the chat template of the reference's converter. ChatPrompt lays a conversation out as it does.
const huginnTemplate = `{% for message in messages %}{% set start_content = '<|begin_header|>' %}` +
	`{% set end_content = message['content'] | trim  + '<|end_turn|>' %}` +
	`{% if loop.index0 == 0 %}{% set start_content = bos_token + start_content %}{% endif %}` +
	`{% if message['role'] == 'Huginn' or message['role'] == 'assistant' %}` +
	`{% set start_content = start_content + 'Huginn<|end_header|>\n\n' %}{{ start_content }}{{ end_content }}{% else %}` +
	`{% set start_content = start_content + message['role'] + '<|end_header|>\n\n' %}{{ start_content }}{{ end_content }}{% endif %}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|begin_header|>Huginn<|end_header|>\n\n' }}{% else %}{{ '<|end_text|>' }}{% endif %}`

// Special tokens of Huginn's chat form. Their ids are the tokenizer's to say.
const (
	beginText   = "<|begin_text|>"
	endText     = "<|end_text|>"
	beginHeader = "<|begin_header|>"
	endHeader   = "<|end_header|>"
	endTurn     = "<|end_turn|>"
)

// assistantName is how the assistant's turns are headed.
const assistantName = "Huginn"

// huginnChat lays a conversation out in Huginn's chat form: the begin token, each message as a header with its role, two
// newlines, the content without outer white space, and an end of turn. With answer it ends in the header of the
// answer to come, otherwise in the end of text. The model was given no default system message, so none is added.
func huginnChat(messages []Message, o ChatOptions) ([]PromptPart, error) {
	var p chatParts
	p.token(beginText)
	header := func(role string) {
		p.token(beginHeader)
		p.text(role)
		p.token(endHeader)
		p.text("\n\n")
	}
	for _, m := range messages {
		if m.Role == "assistant" {
			m.Role = assistantName
		}
		header(m.Role)
		if m.IDs != nil {
			p.said(m)
		} else {
			p.text(strings.TrimSpace(m.Content))
		}
		p.token(endTurn)
	}
	if o.Answer {
		header(assistantName)
	} else {
		p.token(endText)
	}
	return p, nil
}

// huginnGeneration holds without generation_config.json: the values shipped with Huginn. Special tokens that
// the vocabulary does not reach are left out.
func huginnGeneration(vocab int) Generation {
	g := Generation{DoSample: true, Temperature: 0.7, TopK: 50, TopP: 1, RepetitionPenalty: 1,
		DRYBase: 1.75, DRYAllowedLength: 2, BOS: -1, Pad: -1}
	if vocab > 65509 {
		g.BOS, g.EOS, g.Pad = 65504, []int{65505, 65508}, 65509
	}
	return g
}
