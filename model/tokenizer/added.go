package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is an entry of added_tokens. Such tokens are cut out of the text before anything else.
type addedToken struct {
	id         int32
	content    string
	singleWord bool // only between characters that are not word characters
	lstrip     bool // takes the white space on its left with it
	rstrip     bool // and on its right
	normalized bool // matched in a second pass
	special    bool
}

func parseAdded(file object) []addedToken {
	var out []addedToken
	for _, o := range file.list("added_tokens") {
		a := addedToken{id: o.id("id"), content: o.text("content"), special: o.flag("special", false),
			singleWord: o.flag("single_word", false), lstrip: o.flag("lstrip", false), rstrip: o.flag("rstrip", false)}
		a.normalized = o.flag("normalized", !a.special)
		if a.content == "" || len(a.content) > maxAddedLength {
			o.fail(fileErrorf("%s: %d bytes, want 1 to %d", o.at("content"), len(a.content), maxAddedLength))
		}
		out = append(out, a)
	}
	if len(out) > MaxVocab {
		file.fail(fileErrorf("more than %d added_tokens: %w", MaxVocab, ErrTooLarge))
	}
	return out
}

// matcher finds added tokens: the leftmost, and among those the longest.
type matcher struct {
	tokens  map[string]addedToken
	lengths [256][]int // of the tokens that begin with a byte, longest first
}

func newMatcher(tokens []addedToken) *matcher {
	m := &matcher{tokens: make(map[string]addedToken, len(tokens))}
	slices.SortStableFunc(tokens, func(a, b addedToken) int { return len(b.content) - len(a.content) })
	for _, a := range tokens {
		m.tokens[a.content] = a
		if l := &m.lengths[a.content[0]]; !slices.Contains(*l, len(a.content)) {
			*l = append(*l, len(a.content))
		}
	}
	return m
}

// longest gives the longest token that text, which is not empty, begins with.
func (m *matcher) longest(text string) (addedToken, bool) {
	for _, n := range m.lengths[text[0]] {
		if n <= len(text) {
			if a, ok := m.tokens[text[:n]]; ok {
				return a, true
			}
		}
	}
	return addedToken{}, false
}

// segment is a stretch of text, or an added token in its place when id >= 0.
type segment struct {
	text string
	id   int32
}

// cut splits text into added tokens and what lies between. lost counts the white space that lstrip and
// rstrip swallow. Tokens that stay text are passed over.
func (m *matcher) cut(dst []segment, text string, stays func(addedToken) bool) (out []segment, lost int) {
	done := 0
	for i := 0; i < len(text); {
		a, ok := m.longest(text[i:])
		if !ok {
			i++
			continue
		}
		start, stop := i, i+len(a.content)
		i = stop // a match that is passed over hides others inside it
		if stays(a) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:start]) // U+FFFD, which is no word, where there is none
		after, _ := utf8.DecodeRuneInString(text[stop:])
		if a.singleWord && (isWord(before) || isWord(after)) {
			continue
		}
		if a.lstrip {
			start = len(strings.TrimRightFunc(text[:start], unicode.IsSpace))
		}
		if a.rstrip {
			stop = len(text) - len(strings.TrimLeftFunc(text[stop:], unicode.IsSpace))
		}
		if done < start {
			dst = append(dst, segment{text[done:start], -1})
		}
		dst = append(dst, segment{"", a.id})
		lost += max(0, stop-max(start, done)-len(a.content))
		done = stop
	}
	if done < len(text) {
		dst = append(dst, segment{text[done:], -1})
	}
	return dst, lost
}

// isWord is \w of Rust's regex crate, which differs from Oniguruma's.
func isWord(r rune) bool {
	return unicode.In(known(r), unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic,
		unicode.Other_Lowercase, unicode.Other_Uppercase, unicode.Join_Control)
}
