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

// StopIDs are the tokens that end an answer: the reference's three, by their names where the tokenizer has them, and
// the generation config's.
func (t Text) StopIDs() []int32 {
	var ids []int32
	for _, id := range t.Generation.EOS {
		ids = append(ids, int32(id))
	}
	for _, special := range []struct {
		name string
		id   int32
	}{{"<|begin_text|>", 65504}, {"<|end_text|>", 65505}, {"<|end_turn|>", 65508}} {
		id := special.id
		if t.Tokenizer != nil {
			var ok bool
			if id, ok = t.Tokenizer.ID(special.name); !ok {
				continue
			}
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
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
	return t.Tokenizer.ID("<|begin_text|>")
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
