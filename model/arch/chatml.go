package arch

// Tokens of ChatML, the form of many models.
const (
	chatBegin = "<|im_start|>"
	chatEnd   = "<|im_end|>"
)

// turn appends a message in ChatML. What the assistant said may have thinking in it.
func (p *chatParts) turn(role, content string) {
	p.token(chatBegin)
	p.text(role + "\n")
	if role == "assistant" {
		p.own(content)
	} else {
		p.text(content)
	}
	p.token(chatEnd)
	p.text("\n")
}

// ask appends the beginning of the answer.
func (p *chatParts) ask() {
	p.token(chatBegin)
	p.text("assistant\n")
}
