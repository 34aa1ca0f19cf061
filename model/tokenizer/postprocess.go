package tokenizer

import "fmt"

// part of a template: the encoded text, or fixed ids.
type part struct {
	text bool
	ids  []int32
}

// parsePostProcessor sets the template, which stays nil where the text stays as it is.
func (t *Tokenizer) parsePostProcessor(o object, kind string) {
	switch {
	case kind == "ByteLevel": // it moves offsets only
	case kind != "TemplateProcessing":
		o.fail(unsupported(o.where, kind))
	case t.template != nil:
		o.fail(unsupported(o.where, "Sequence of two templates"))
	default:
		t.template = parseTemplate(o)
	}
}

func parseTemplate(o object) (template []part) {
	specials := o.object("special_tokens")
	hasText := false
	for _, p := range o.list("single") {
		switch {
		case len(p.fields) != 1:
			o.fail(fileErrorf("%s: want one of SpecialToken and Sequence", p.where))
		case p.has("SpecialToken"):
			id := p.object("SpecialToken").text("id")
			if !specials.has(id) {
				o.fail(fileErrorf("%s: %q is not among special_tokens", p.where, clip(id)))
				return nil
			}
			var p part
			o.fail(read(specials.object(id).fields["ids"], fmt.Sprintf("%s: ids of %q", specials.where, clip(id)), "a list of ids", &p.ids))
			template = append(template, p)
		default:
			if p.object("Sequence").text("id") != "A" || hasText {
				o.fail(unsupported(o.where, "template other than one sequence A"))
			}
			hasText = true
			template = append(template, part{text: true})
		}
	}
	if !hasText {
		o.fail(fileErrorf("%s: the template has no place for the text", o.where))
	}
	return template
}
