package tokenizer

import (
	"encoding/json"
	"fmt"
)

// decoder says how tokens become text.
type decoder int

const (
	spaced    decoder = iota // no decoder: tokens as they are, with spaces between
	plain                    // an empty Sequence: tokens as they are
	byteLevel                // tokens are written in the byte alphabet
)

func parseDecoder(raw json.RawMessage, where string, depth int) (decoder, error) {
	o, kind, err := component(raw, where, depth)
	if err != nil {
		return 0, err
	}
	switch kind {
	case "ByteLevel":
		return byteLevel, nil
	case "Sequence":
		d := plain
		err := eachElement(o.fields["decoders"], o.at("decoders"), func(i int, value json.RawMessage) error {
			inner, err := parseDecoder(value, where+"["+itoa(i)+"]", depth+1)
			if err != nil {
				return err
			}
			if inner == byteLevel && d == byteLevel {
				return &UnsupportedError{Component: "decoder", Type: "Sequence of two ByteLevel"}
			}
			d = max(d, inner)
			return nil
		})
		return d, err
	}
	return 0, &UnsupportedError{Component: "decoder", Type: clip(kind)}
}

// Decode returns the text of ids. Bytes that are not UTF-8 become U+FFFD, one for each maximal subpart as in
// HuggingFace. Ids without a token add nothing to the text; the error then wraps ErrUnknownID and names the
// first of them, and the text of the others is returned with it.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) (string, error) {
	var err error
	s := t.NewStream()
	s.SkipSpecial = skipSpecial
	for i, id := range ids {
		if _, ok := t.Token(id); !ok && err == nil {
			err = fmt.Errorf("tokenizer: ids[%d] = %d: %w; ids go up to %d", i, id, ErrUnknownID, len(t.entries)-1)
		}
		s.add(id)
	}
	text, _ := appendText(make([]byte, 0, len(s.held)), s.held, true)
	return string(text), err
}

// Stream decodes ids as they come, holding back what may still grow into a rune. The pieces put together
// equal Decode of all ids. It is for one goroutine.
type Stream struct {
	SkipSpecial bool // leave special tokens out

	t     *Tokenizer
	held  []byte
	begun bool
}

// NewStream starts a text.
func (t *Tokenizer) NewStream() *Stream { return &Stream{t: t} }

func (s *Stream) add(id int32) {
	if !s.t.has(id) || s.SkipSpecial && s.t.entries[id].special {
		return
	}
	if s.t.decoder == spaced && s.begun {
		s.held = append(s.held, ' ')
	}
	s.begun = true
	s.held = append(s.held, s.t.entries[id].text...)
}

// Push adds a token and returns the text that is settled by it, which is often empty. Ids without a token
// are passed over.
func (s *Stream) Push(id int32) string {
	s.add(id)
	text, rest := appendText(nil, s.held, false)
	s.held = append(s.held[:0], rest...)
	return string(text)
}

// Flush ends the text: a rune left incomplete becomes U+FFFD. The stream can then be used for another text.
func (s *Stream) Flush() string {
	text, _ := appendText(nil, s.held, true)
	s.held, s.begun = s.held[:0], false
	return string(text)
}
