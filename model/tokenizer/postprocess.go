package tokenizer

import (
	"encoding/json"
)

// part of a template: the encoded text, or fixed ids.
type part struct {
	text bool
	ids  []int32
}

// parsePostProcessor returns the template of a post_processor value, nil where the text stays as it is.
func parsePostProcessor(raw json.RawMessage, where string, depth int) ([]part, error) {
	o, kind, err := component(raw, where, depth)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "ByteLevel": // it moves offsets only
		return nil, nil
	case "TemplateProcessing":
		return parseTemplate(o)
	case "Sequence":
		var template []part
		err := eachElement(o.fields["processors"], o.at("processors"), func(i int, value json.RawMessage) error {
			t, err := parsePostProcessor(value, where+"["+itoa(i)+"]", depth+1)
			if err != nil {
				return err
			}
			if t != nil && template != nil {
				return &UnsupportedError{Component: "post_processor", Type: "Sequence of two templates"}
			}
			if t != nil {
				template = t
			}
			return nil
		})
		return template, err
	}
	return nil, &UnsupportedError{Component: "post_processor", Type: clip(kind)}
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
				return &UnsupportedError{Component: "post_processor", Type: "template other than one sequence A"}
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
