package arch

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant"; "Huginn" is the assistant too
	Content string
}

// PromptPart is a stretch of a prompt: the name of one special token, or text in which nothing is special, whatever
// it looks like.
type PromptPart struct {
	Text    string
	Special bool
}
