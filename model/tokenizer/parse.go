package tokenizer

import (
	"encoding/json"
	"fmt"
)

// Parse reads the contents of a tokenizer.json. Errors wrap ErrFile for a file that is malformed or
// contradicts itself, ErrTooLarge beyond MaxFileSize or MaxVocab, or are an *UnsupportedError or *MergeError.
// The truncation and padding of the file are not applied, as in Python, where callers ask for them.
func Parse(data []byte) (*Tokenizer, error) {
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("tokenizer: tokenizer.json of %d bytes, at most %d: %w", len(data), MaxFileSize, ErrTooLarge)
	}
	if err := checkText(data); err != nil {
		return nil, err
	}
	file, err := readObject(data, "tokenizer.json")
	if err != nil {
		return nil, err
	}
	if version, ok := file.fields["version"]; ok && string(version) != `"1.0"` {
		return nil, &UnsupportedError{Component: "version", Type: clip(string(version))}
	}
	t := &Tokenizer{}
	if !file.null("normalizer") {
		_, kind, err := component(file.fields["normalizer"], "normalizer", 0)
		if err != nil {
			return nil, err
		}
		return nil, &UnsupportedError{Component: "normalizer", Type: clip(kind)}
	}
	if !file.null("pre_tokenizer") {
		if t.stages, err = parsePreTokenizer(nil, file.fields["pre_tokenizer"], "pre_tokenizer", 0); err != nil {
			return nil, err
		}
		if n := len(t.stages); n > 0 {
			if _, ok := t.stages[n-1].(alphabet); ok {
				t.stages, t.bytes = t.stages[:n-1], true
			}
		}
	}
	if !file.null("post_processor") {
		if t.template, err = parsePostProcessor(file.fields["post_processor"], "post_processor", 0); err != nil {
			return nil, err
		}
	}
	if !file.null("decoder") {
		if t.decoder, err = parseDecoder(file.fields["decoder"], "decoder", 0); err != nil {
			return nil, err
		}
	}
	if err := t.model.parse(file.fields["model"]); err != nil {
		return nil, err
	}
	var added []addedToken
	if !file.null("added_tokens") {
		if added, err = parseAdded(file.fields["added_tokens"]); err != nil {
			return nil, err
		}
	}
	if err := t.fill(added); err != nil {
		return nil, err
	}
	for _, p := range t.template {
		for _, id := range p.ids {
			if !t.has(id) {
				return nil, fileErrorf("post_processor: id %d has no token", id)
			}
		}
	}
	return t, nil
}

// component reads the object and type of one part of the file.
func component(raw json.RawMessage, where string, depth int) (object, string, error) {
	if depth > maxDepth {
		return object{}, "", fileErrorf("%s: Sequences nested more than %d deep", clip(where), maxDepth)
	}
	o, err := readObject(raw, where)
	if err != nil {
		return o, "", err
	}
	kind, err := o.text("type")
	return o, kind, err
}

// fill makes the tables by id from the model's vocabulary and the added tokens.
func (t *Tokenizer) fill(added []addedToken) error {
	highest := int32(-1)
	for _, id := range t.model.vocab {
		highest = max(highest, id)
	}
	// HuggingFace numbers added tokens itself, whatever the file says: as in the vocabulary, else onwards
	// from its size. A file with other ids was written for something else.
	next := int32(len(t.model.vocab))
	seen := map[string]bool{}
	for _, a := range added {
		if seen[a.content] {
			return fileErrorf("added token %q appears twice", clip(a.content))
		}
		seen[a.content] = true
		want, ok := t.model.vocab[a.content]
		if !ok {
			want = next
			next++
		}
		if a.id != want {
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
	*e = entry{token: token, text: token, known: true, special: special}
	if t.decoder == byteLevel {
		e.text = alphabetBytes(token)
	}
	t.ids[token] = id
	return nil
}
