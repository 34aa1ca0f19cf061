package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

var unicodeForms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

// parseNormalizer appends a rewriting of the text. The forms of Unicode are those of version 15.
func (t *Tokenizer) parseNormalizer(o object, kind string) {
	form, isForm := unicodeForms[kind]
	switch {
	case isForm:
		t.rewrites = append(t.rewrites, form.String)
	case kind == "Prepend":
		before := o.text("prepend")
		t.rewrites = append(t.rewrites, func(s string) string { return before + s })
	case kind == "Replace":
		t.rewrites = append(t.rewrites, o.replacer())
	default:
		o.fail(unsupported(o.where, kind))
	}
}

// normalize rewrites a text that is not empty.
func (t *Tokenizer) normalize(text string) string {
	for _, rewrite := range t.rewrites {
		text = rewrite(text)
	}
	return text
}

// replacer reads a Replace of a literal text by another, of the normalizer or the decoder.
func (o object) replacer() func(string) string {
	old, literal := o.pattern()
	with := o.text("content")
	if !literal || old == "" {
		o.fail(unsupported(o.where, "Replace with a Regex"))
	}
	return func(s string) string { return strings.ReplaceAll(s, old, with) }
}
