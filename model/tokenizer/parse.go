package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// Parse reads the contents of a tokenizer.json. Errors wrap ErrFile for a file that is malformed or
// contradicts itself, ErrTooLarge beyond MaxFileSize or MaxVocab, or ErrUnsupported.
// The truncation and padding of the file are not applied, as in Python, where callers ask for them.
func Parse(data []byte) (*Tokenizer, error) {
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("tokenizer: tokenizer.json of %d bytes, at most %d: %w", len(data), MaxFileSize, ErrTooLarge)
	}
	if err := checkFile(data); err != nil {
		return nil, err
	}
	var failed error
	file := readObject(data, "tokenizer.json", &failed)
	if version, ok := file.fields["version"]; ok && string(version) != `"1.0"` {
		file.fail(unsupported("version", string(version)))
	}
	t := &Tokenizer{}
	for _, part := range []struct {
		name  string
		parse func(o object, kind string)
	}{
		{"normalizer", t.parseNormalizer}, {"pre_tokenizer", t.parsePreTokenizer},
		{"post_processor", t.parsePostProcessor}, {"decoder", t.decoder.parse},
	} {
		if file.has(part.name) {
			eachComponent(readObject(file.fields[part.name], part.name, &failed), 0, part.parse)
		}
	}
	t.decoder.joined = file.has("decoder")
	if t.bytes { // as the last stage, the byte alphabet is left to the merge loop
		t.stages = t.stages[:len(t.stages)-1]
	}
	t.model.parse(readObject(file.fields["model"], "model", &failed))
	var added []addedToken
	if file.has("added_tokens") {
		added = parseAdded(object{"", file.fields, &failed})
	}
	if failed != nil {
		return nil, failed
	}
	if err := t.fill(added); err != nil {
		return nil, err
	}
	if t.template != nil {
		for _, id := range slices.Concat(t.template.before, t.template.after) {
			if !t.entry(id).known {
				return nil, fileErrorf("post_processor: id %d has no token", id)
			}
		}
	}
	return t, nil
}

// sequences names the list in a Sequence of each part of the file.
var sequences = map[string]string{"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors", "decoder": "decoders"}

// eachComponent calls f for one part of the file, or for the members of a Sequence in order, however deep.
func eachComponent(o object, depth int, f func(o object, kind string)) {
	kind := o.text("type")
	part, _, _ := strings.Cut(o.where, ".")
	switch {
	case *o.failed != nil:
	case depth > maxDepth:
		o.fail(fileErrorf("%s: Sequences nested more than %d deep", clip(o.where), maxDepth))
	case kind != "Sequence":
		f(o, kind)
	default:
		for _, member := range o.list(sequences[part]) {
			eachComponent(member, depth+1, f)
		}
	}
}

// fill makes the tables by id from the model's vocabulary and the added tokens.
func (t *Tokenizer) fill(added []addedToken) error {
	highest := int32(-1)
	for _, id := range t.model.vocab {
		highest = max(highest, id)
	}
	seen := map[string]bool{}
	for _, a := range added {
		if seen[a.content] {
			return fileErrorf("added token %q appears twice", clip(a.content))
		}
		seen[a.content] = true
		// HuggingFace numbers other added tokens onwards from the vocabulary's size. The file's own ids are those of the
		// model's rows, with or without holes.
		if want, ok := t.model.vocab[a.content]; ok && a.id != want {
			return fileErrorf("added token %q has id %d, its place in the vocabulary is %d", clip(a.content), a.id, want)
		}
		highest = max(highest, a.id)
	}
	t.entries = make([]entry, highest+1)
	t.ids = make(map[string]int32, len(t.model.vocab)+len(added))
	for token, id := range t.model.vocab {
		if err := t.enter(token, id, false); err != nil {
			return err
		}
	}
	var direct, indirect []addedToken
	for _, a := range added {
		if t.ids[a.content] == a.id && t.entries[a.id].token == a.content {
			t.entries[a.id].special = a.special
		} else if err := t.enter(a.content, a.id, a.special); err != nil {
			return err
		}
		if a.normalized {
			written := a.content
			a.content = t.normalize(written)
			e := &t.entries[a.id] // it is decoded as it is found, and special only if that is what is written
			e.token, e.special = a.content, a.special && a.content == written
			e.text, e.isByte = t.decoder.text(a.content, false)
			indirect = append(indirect, a)
		} else {
			direct = append(direct, a)
		}
	}
	t.direct, t.indirect = newMatcher(direct), newMatcher(indirect)
	return nil
}

func (t *Tokenizer) enter(token string, id int32, special bool) error {
	e := &t.entries[id]
	if e.known {
		return fileErrorf("id %d belongs to both %q and %q", id, clip(min(e.token, token)), clip(max(e.token, token)))
	}
	text, isByte := t.decoder.text(token, false)
	*e = entry{token: token, text: text, isByte: isByte, known: true, special: special}
	t.ids[token] = id
	return nil
}
