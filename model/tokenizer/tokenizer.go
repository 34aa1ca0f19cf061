// Package tokenizer turns text into token ids and back, as HuggingFace's tokenizers library does for a
// BPE tokenizer.json, byte-level or with tokens for single bytes. The ids are those of the file, merges and split pattern included; anything
// in the file that is not understood is refused by name.
//
// Two properties of HuggingFace's tokenizers are kept on purpose. A file may split with "Removed" and
// "invert", as bpeasy exports do: text its pattern does not match is dropped (see Lost). And a token added to
// the vocabulary by hand, without merges that lead to it, is never produced.
//
// Patterns, digits and normal forms follow the versions of Unicode that the library has.
package tokenizer

import (
	"fmt"
	"slices"
)

// Tokenizer is made by Parse. It is safe for use by several goroutines.
type Tokenizer struct {
	entries  []entry // by id
	ids      map[string]int32
	direct   *matcher              // added tokens found in the text as it is
	indirect *matcher              // and those HuggingFace looks for after normalization
	rewrites []func(string) string // the normalizer
	stages   []stage
	bytes    bool // pieces go to the model in the byte alphabet
	model    bpe
	template *frame // nil: the text alone
	decoder  decoder
}

type entry struct {
	token   string // as in the file
	text    string // bytes it decodes to
	isByte  bool   // a byte that may be a part of a rune
	known   bool
	special bool
}

// EncodeOptions selects what Encode does besides plain text.
type EncodeOptions struct {
	AddSpecial   bool // add what the file's post-processor adds, such as a begin-of-text token
	ParseSpecial bool // read special tokens that are spelt out in the text; never do this with text from strangers

	Inside  bool     // the text has text or tokens before it
	Literal []string // added tokens that stay text like special ones, though the file does not call them special
}

// Encode returns the ids of text. Bytes that are not UTF-8 count as U+FFFD, one for each (see CleanUTF8).
// The error wraps ErrTooLarge for more than MaxText bytes and ErrTimeout when the file's pattern takes too long.
func (t *Tokenizer) Encode(text string, opt EncodeOptions) ([]int32, error) {
	ids, _, err := t.encode(text, opt)
	return ids, err
}

// Lost returns how many bytes of text no token carries: what a "Removed" split drops, runes outside the
// vocabulary, and white space swallowed beside added tokens. Decode cannot bring them back.
func (t *Tokenizer) Lost(text string, opt EncodeOptions) (int, error) {
	_, lost, err := t.encode(text, opt)
	return lost, err
}

func (t *Tokenizer) encode(text string, opt EncodeOptions) (ids []int32, lost int, err error) {
	if len(text) > MaxText {
		return nil, 0, fmt.Errorf("tokenizer: text of %d bytes, at most %d at once: %w", len(text), MaxText, ErrTooLarge)
	}
	text, _ = CleanUTF8(text)
	segments, lost := t.segments(text, opt)
	work := merger{m: &t.model}
	limit := newBudget(len(text))
	for i, s := range segments {
		if s.id >= 0 {
			ids = append(ids, s.id)
			continue
		}
		pieces := []string{s.text}
		limit.first = i == 0 && !opt.Inside
		for _, st := range t.stages {
			var n int
			if pieces, n, err = st(pieces, limit); err != nil {
				return nil, 0, err
			}
			lost += n
		}
		for _, p := range pieces {
			ids = work.encode(ids, p, t.bytes)
		}
	}
	if work.noUnk {
		return nil, 0, fmt.Errorf("tokenizer: the text needs the unknown token %q, which is not in the vocabulary: %w", t.model.unkToken, ErrFile)
	}
	if opt.AddSpecial && t.template != nil {
		ids = slices.Concat(t.template.before, ids, t.template.after)
	}
	return ids, lost + work.lost, nil
}

// segments cuts the added tokens out of text, in HuggingFace's two passes.
func (t *Tokenizer) segments(text string, opt EncodeOptions) ([]segment, int) {
	stays := func(a addedToken) bool {
		return !opt.ParseSpecial && (a.special || slices.Contains(opt.Literal, a.content))
	}
	first, lost := t.direct.cut(nil, text, stays)
	var out []segment
	for _, s := range first {
		if s.id >= 0 {
			out = append(out, s)
			continue
		}
		n := 0
		out, n = t.indirect.cut(out, t.normalize(s.text), stays)
		lost += n
	}
	return out, lost
}

// entry is what is known of an id: nothing of one without a token.
func (t *Tokenizer) entry(id int32) (e entry) {
	if id >= 0 && int(id) < len(t.entries) {
		e = t.entries[id]
	}
	return e
}

// Token returns a token as the file writes it, in the byte alphabet for most files.
func (t *Tokenizer) Token(id int32) (string, bool) {
	e := t.entry(id)
	return e.token, e.known
}

// ID returns the id of a token spelt as the file does.
func (t *Tokenizer) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// VocabSize is one more than the highest id. Ids below it without a token are possible.
func (t *Tokenizer) VocabSize() int { return len(t.entries) }

// IsSpecial reports whether id is a special token.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.entry(id).special }

// Bytes returns what a token adds to the decoded bytes, possibly part of a rune; nil for an id without a token.
func (t *Tokenizer) Bytes(id int32) []byte {
	if e := t.entry(id); e.known {
		return []byte(e.text)
	}
	return nil
}
