package tokenizer

import (
	"fmt"
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

// frame is what the post-processor puts around a text.
type frame struct{ before, after []int32 }

// parsePostProcessor sets the template, which stays nil where the text stays as it is.
func (t *Tokenizer) parsePostProcessor(o object, kind string) {
	switch {
	case kind == "ByteLevel": // it moves offsets only
	case kind != "TemplateProcessing":
		o.fail(unsupported(o.where, kind))
	case t.template != nil:
		o.fail(unsupported(o.where, "Sequence of two templates"))
	default:
		t.template = &frame{}
		t.template.parse(o)
	}
}

func (f *frame) parse(o object) {
	specials := o.object("special_tokens")
	to, hasText := &f.before, false
	for _, p := range o.list("single") {
		switch {
		case len(p.fields) != 1:
			o.fail(fileErrorf("%s: want one of SpecialToken and Sequence", p.where))
		case p.has("SpecialToken"):
			id := p.object("SpecialToken").text("id")
			if !specials.has(id) {
				o.fail(fileErrorf("%s: %q is not among special_tokens", p.where, clip(id)))
				return
			}
			var ids []int32
			o.fail(read(specials.object(id).fields["ids"], fmt.Sprintf("%s: ids of %q", specials.where, clip(id)), "a list of ids", &ids))
			*to = append(*to, ids...)
		default:
			if p.object("Sequence").text("id") != "A" || hasText {
				o.fail(unsupported(o.where, "template other than one sequence A"))
			}
			to, hasText = &f.after, true
		}
	}
	if !hasText {
		o.fail(fileErrorf("%s: the template has no place for the text", o.where))
	}
}
