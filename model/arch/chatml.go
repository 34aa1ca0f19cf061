package arch

// Tokens of ChatML, the form of many models.
const (
	chatBegin = "<|im_start|>"
	chatEnd   = "<|im_end|>"
)

// turn appends a message in ChatML. What the assistant said may have thinking in it.
func (p *chatParts) turn(m Message) {
	p.token(chatBegin)
	p.text(m.Role + "\n")
	if m.Role == "assistant" {
		p.said(m)
	} else {
		p.text(m.Content)
	}
	p.token(chatEnd)
	p.text("\n")
}

// ask appends the beginning of the answer.
func (p *chatParts) ask() {
	p.token(chatBegin)
	p.text("assistant\n")
}
