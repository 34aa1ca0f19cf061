package checkpoint

import (
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/model/tokenizer"
)

// Text turns texts into the ids of a model.
type Text struct {
	Tokenizer  *tokenizer.Tokenizer // nil when the checkpoint has none
	Generation arch.Generation
}

// Text reads what the checkpoint says of texts.
func (c *Checkpoint) Text() (Text, error) {
	t, err := loadTokenizer(c)
	return Text{Tokenizer: t, Generation: c.Generation}, err
}

// StopIDs are the tokens that end an answer: those of the generation config, the tokenizer's own end, and the reference's
// three, by their names where there is a tokenizer.
func (t Text) StopIDs() []int32 {
	var ids []int32
	add := func(id int32) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range t.Generation.EOS {
		add(int32(id))
	}
	if t.Tokenizer == nil {
		for _, id := range []int32{65504, 65505, 65508} {
			add(id)
		}
		return ids
	}
	for _, name := range append([]string{arch.BeginText, arch.EndText, arch.EndTurn}, t.Generation.StopTokens...) {
		if id, ok := t.Tokenizer.ID(name); ok {
			add(id)
		}
	}
	return ids
}

// BeginID is the token that a text begins with, if the model has one.
func (t Text) BeginID() (int32, bool) {
	if t.Generation.BOS >= 0 {
		return int32(t.Generation.BOS), true
	}
	if t.Tokenizer == nil {
		return 0, false
	}
	return t.Tokenizer.ID(arch.BeginText)
}

// EncodePrompt turns text into ids, with the begin token in front.
// parseSpecial makes special tokens written in the text count as such.
func (t Text) EncodePrompt(text string, parseSpecial bool) ([]int32, error) {
	if t.Tokenizer == nil {
		return nil, fmt.Errorf("%w: give token ids instead of text, or add the tokenizer.json of the model", ErrNoTokenizer)
	}
	ids, err := t.Tokenizer.Encode(text, tokenizer.EncodeOptions{ParseSpecial: parseSpecial})
	if err != nil {
		return nil, err
	}
	if begin, ok := t.BeginID(); ok && (len(ids) == 0 || ids[0] != begin) {
		ids = append([]int32{begin}, ids...)
	}
	return ids, nil
}
