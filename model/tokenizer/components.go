package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// parseNormalizer appends a rewriting of the text.
func (t *Tokenizer) parseNormalizer(o object, kind string) {
	add := func(rewrite func(string) string) { t.rewrites = append(t.rewrites, rewrite) }
	form, isForm := normalForms[kind]
	switch {
	case isForm:
		add(form.apply)
	case kind == "Prepend":
		before := o.short("prepend")
		add(func(s string) string {
			if s == "" {
				return s
			}
			return before + s
		})
	case kind == "Replace":
		add(o.replacer())
	case kind == "Strip":
		left, right := o.flag("strip_left", true), o.flag("strip_right", true)
		add(func(s string) string {
			if left {
				s = strings.TrimLeftFunc(s, unicode.IsSpace)
			}
			if right {
				s = strings.TrimRightFunc(s, unicode.IsSpace)
			}
			return s
		})
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
	with := o.short("content")
	if !literal || old == "" {
		o.fail(unsupported(o.where, "Replace with a Regex"))
	}
	return func(s string) string { return strings.ReplaceAll(s, old, with) }
}

// frame is what the post-processor puts around a text.
type frame struct{ before, after []int32 }

// parsePostProcessor sets the template, which stays nil where the text stays as it is.
func (t *Tokenizer) parsePostProcessor(o object, kind string) {
	around := kind == "RobertaProcessing" || kind == "BertProcessing"
	switch {
	case kind == "ByteLevel": // it moves offsets only
	case kind != "TemplateProcessing" && !around:
		o.fail(unsupported(o.where, kind))
	case t.template != nil:
		o.fail(unsupported(o.where, "Sequence of two templates"))
	case around:
		t.template = &frame{o.tokenAndID("cls"), o.tokenAndID("sep")}
	default:
		t.template = &frame{}
		t.template.parse(o)
	}
}

// tokenAndID reads a pair of a token and its id, which counts.
func (o object) tokenAndID(name string) []int32 {
	var token string
	var id json.RawMessage
	pair := []any{&token, &id}
	o.fail(read(o.fields[name], o.at(name), "a token and its id", &pair))
	if len(pair) != 2 {
		o.fail(fileErrorf("%s: want a token and its id", o.at(name)))
	}
	n, err := readID(id, o.at(name))
	o.fail(err)
	return []int32{n}
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
