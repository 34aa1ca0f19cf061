package tokenizer

import "encoding/json"

// part of a template: the encoded text, or fixed ids.
type part struct {
	text bool
	ids  []int32
}

// parsePostProcessor sets the template, which stays nil where the text stays as it is.
func (t *Tokenizer) parsePostProcessor(o object, kind string) (err error) {
	switch {
	case kind == "ByteLevel": // it moves offsets only
	case kind != "TemplateProcessing":
		return unsupported(o.where, kind)
	case t.template != nil:
		return unsupported(o.where, "Sequence of two templates")
	default:
		t.template, err = parseTemplate(o)
	}
	return err
}

func parseTemplate(o object) ([]part, error) {
	ids := map[string][]int32{}
	err := eachField(o.fields["special_tokens"], o.at("special_tokens"), func(name string, value json.RawMessage) error {
		s, err := readObject(value, o.at("special_tokens."+clip(name)))
		if err != nil {
			return err
		}
		list := []int32{}
		err = eachElement(s.fields["ids"], s.at("ids"), func(i int, value json.RawMessage) error {
			id, err := readID(value, s.at("ids"))
			list = append(list, id)
			return err
		})
		ids[name] = list
		return err
	})
	if err != nil {
		return nil, err
	}
	var template []part
	hasText := false
	err = eachElement(o.fields["single"], o.at("single"), func(i int, value json.RawMessage) error {
		p, err := readObject(value, o.at("single"))
		if err != nil {
			return err
		}
		kind := "Sequence"
		if _, ok := p.fields["SpecialToken"]; ok {
			kind = "SpecialToken"
		}
		if len(p.fields) != 1 {
			return fileErrorf("%s: want one of SpecialToken and Sequence", p.where)
		}
		piece, err := readObject(p.fields[kind], p.at(kind))
		if err != nil {
			return err
		}
		id, err := piece.text("id")
		if err != nil {
			return err
		}
		if kind == "Sequence" {
			if id != "A" || hasText {
				return unsupported(o.where, "template other than one sequence A")
			}
			hasText = true
			template = append(template, part{text: true})
			return nil
		}
		list, ok := ids[id]
		if !ok {
			return fileErrorf("%s: %q is not among special_tokens", piece.where, clip(id))
		}
		template = append(template, part{ids: list})
		return nil
	})
	if err == nil && !hasText {
		err = fileErrorf("%s: the template has no place for the text", o.where)
	}
	return template, err
}
