package decode

import (
	"muninn/model/arch"
	"muninn/model/tokenizer"
)

// thoughts tells which tokens lie between the marks of thinking.
type thoughts struct {
	begin, end int32 // -1: the model has no such mark
	inside     bool
}

// newThoughts begins where a prompt ends, which may have opened a thought.
func newThoughts(t *tokenizer.Tokenizer, prompt []int32) *thoughts {
	th := &thoughts{begin: -1, end: -1}
	if t == nil {
		return th
	}
	begin, ok := t.ID(arch.ThinkBegin)
	if end, both := t.ID(arch.ThinkEnd); ok && both {
		th.begin, th.end = begin, end
	}
	for _, id := range prompt {
		th.next(id)
	}
	return th
}

// next tells of the next token whether it belongs to a thought; the marks do.
func (th *thoughts) next(id int32) bool {
	switch {
	case id < 0:
	case id == th.begin:
		th.inside = true
	case id == th.end:
		was := th.inside
		th.inside = false
		return was
	}
	return th.inside
}
