package checkpoint

import (
	"errors"
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/model/internal/strict"
	"muninn/model/tokenizer"
)

// Text turns texts into the ids of a model.
type Text struct {
	Family     *arch.Family
	Tokenizer  *tokenizer.Tokenizer // nil when the checkpoint has none
	Generation arch.Generation
	Chat       *arch.ChatForm // nil when the family has none
	Rows       int            // of the embedding; 0: not known
}

// ErrNoTokenizer says that the checkpoint has no tokenizer.json. The weights may still be used with token ids.
var ErrNoTokenizer = errors.New("no tokenizer.json")

// TokenizerJSON reads tokenizer.json; without one the error is ErrNoTokenizer.
func (c *Checkpoint) TokenizerJSON() ([]byte, error) {
	data, err := c.text(fileTokenizer)
	if err == nil && data == nil {
		err = strict.Unusable("%w in the folder; it can be used with token ids only", ErrNoTokenizer)
	}
	return data, c.Named(err)
}

// Text reads what the checkpoint says of texts.
func (c *Checkpoint) Text() (Text, error) {
	t := Text{Family: c.Config.Family, Generation: c.Generation, Chat: c.Chat, Rows: c.Config.PaddedVocabSize}
	data, err := c.TokenizerJSON()
	if errors.Is(err, ErrNoTokenizer) {
		return t, nil
	}
	if err == nil {
		if t.Tokenizer, err = tokenizer.Parse(data); err != nil {
			err = c.Named(strict.Unusable("tokenizer.json: %w", err))
		}
	}
	return t, err
}

// StopIDs are the tokens that end an answer: those of the generation config, the tokenizer's own end, and the
// family's, by their names where there is a tokenizer.
func (t Text) StopIDs() []int32 {
	var ids []int32
	add := func(id int32, ok bool) {
		if ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range t.Generation.EOS {
		add(int32(id), true)
	}
	for _, stop := range t.Family.Stops {
		if t.Tokenizer == nil {
			add(stop.ID, stop.ID >= 0)
		} else {
			add(t.Tokenizer.ID(stop.Name))
		}
	}
	for _, name := range t.Generation.StopTokens {
		if t.Tokenizer != nil {
			add(t.Tokenizer.ID(name))
		}
	}
	return ids
}

// BeginID is the token that a text begins with, if the model has one.
func (t Text) BeginID() (int32, bool) {
	switch {
	case t.Family.Begin == "": // the tokenizer puts it there, or nobody
		return 0, false
	case t.Generation.BOS >= 0:
		return int32(t.Generation.BOS), true
	case t.Tokenizer == nil:
		return 0, false
	}
	return t.Tokenizer.ID(t.Family.Begin)
}

// EncodePrompt turns text into ids, with the begin token in front.
// parseSpecial makes special tokens written in the text count as such.
func (t Text) EncodePrompt(text string, parseSpecial bool) ([]int32, error) {
	if t.Tokenizer == nil {
		return nil, fmt.Errorf("%w: give token ids instead of text, or add the tokenizer.json of the model", ErrNoTokenizer)
	}
	ids, err := t.Tokenizer.Encode(text, tokenizer.EncodeOptions{ParseSpecial: parseSpecial, AddSpecial: t.Family.Begin == ""})
	if err != nil {
		return nil, err
	}
	if begin, ok := t.BeginID(); ok && (len(ids) == 0 || ids[0] != begin) {
		ids = append([]int32{begin}, ids...)
	}
	return ids, t.inEmbedding(ids)
}

// inEmbedding says which id has no row in the embedding, if one has none.
func (t Text) inEmbedding(ids []int32) error {
	if at := slices.IndexFunc(ids, func(id int32) bool { return t.Rows > 0 && int(id) >= t.Rows }); at >= 0 {
		return strict.Unusable("tokenizer.json: the text has token %d, the embedding %d rows: it is of another model", ids[at], t.Rows)
	}
	return nil
}

// ErrNoChat is wrapped by EncodeChat where the model has no form for conversations.
var ErrNoChat = errors.New("no chat form")

// EncodeChat lays a conversation out in the model's form and encodes it part by part.
func (t Text) EncodeChat(messages []arch.Message, o arch.ChatOptions) ([]int32, error) {
	if t.Chat == nil || t.Tokenizer == nil {
		return nil, fmt.Errorf("model: %w: a %s model has none, or no tokenizer", ErrNoChat, t.Family.Name)
	}
	parts, err := t.Chat.Lay(messages, o)
	if err != nil {
		return nil, err
	}
	ids, err := t.encodeParts(parts, o)
	if err != nil {
		return nil, err
	}
	return ids, t.inEmbedding(ids)
}

// Said is the tokens of an answer that was generated, with what the form wrote of it.
func (t Text) Said(ids []int32, o arch.ChatOptions) ([]int32, error) {
	opening, err := t.encodeParts(t.Chat.Opening(o), o)
	return append(opening, ids...), err
}

func (t Text) encodeParts(parts []arch.PromptPart, o arch.ChatOptions) (ids []int32, err error) {
	opt := tokenizer.EncodeOptions{ParseSpecial: o.ParseSpecial, Literal: slices.Clone(arch.ChatMarks)}
	for _, p := range parts {
		if p.Special && !slices.Contains(opt.Literal, p.Text) {
			opt.Literal = append(opt.Literal, p.Text)
		}
	}
	for i, p := range parts {
		id, known := t.Tokenizer.ID(p.Text)
		switch {
		case p.IDs != nil:
			ids = append(ids, p.IDs...)
		case p.Special && known:
			ids = append(ids, id)
		case p.Special && !slices.Contains(arch.ChatMarks, p.Text): // a mark may be spelt
			return nil, fmt.Errorf("model: %w: the token %s is missing in this model's tokenizer", ErrNoChat, p.Text)
		default:
			opt.Inside = i > 0
			part, err := t.Tokenizer.Encode(p.Text, opt)
			if err != nil {
				return nil, err
			}
			ids = append(ids, part...)
		}
	}
	return ids, nil
}
