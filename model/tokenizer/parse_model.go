package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// parse reads the model member of the file.
func (m *bpe) parse(o object) {
	if o.has("type") { // old files leave it out
		if kind := o.text("type"); kind != "BPE" {
			o.fail(unsupported("model.type", kind))
		}
	}
	for name, off := range map[string]string{"dropout": "0 0.0", "continuing_subword_prefix": `""`, "end_of_word_suffix": `""`} {
		if o.has(name) && !slices.Contains(strings.Fields(off), string(o.fields[name])) {
			o.fail(unsupported("model."+name, name))
		}
	}
	fallback := o.flag("byte_fallback", false)
	m.ignoreMerges = o.flag("ignore_merges", false)
	m.fuseUnk = o.flag("fuse_unk", false)
	if *o.failed == nil {
		o.fail(m.parseVocab(o.fields["vocab"]))
	}
	m.unk = -1
	if o.has("unk_token") {
		m.unkToken = o.text("unk_token")
		if m.unk = m.idOf(m.unkToken); m.unk < 0 {
			m.unk = -2
		}
	}
	for b, r := range byteRune {
		m.byteID[b], m.fallback[b] = m.idOf(string(r)), -1
		if fallback {
			m.fallback[b] = m.idOf(fmt.Sprintf("<0x%02X>", b))
		}
	}
	if *o.failed == nil {
		o.fail(m.parseMerges(o.fields["merges"]))
	}
}

// idOf is the id of a token of the vocabulary; -1: none.
func (m *bpe) idOf(token string) int32 {
	if id, ok := m.vocab[token]; ok {
		return id
	}
	return -1
}

func (m *bpe) parseVocab(raw json.RawMessage) error {
	var vocab map[string]json.RawMessage
	err := read(raw, "model.vocab", "an object", &vocab)
	switch {
	case err != nil:
		return err
	case len(vocab) == 0:
		return fileErrorf("model.vocab is empty")
	case len(vocab) > MaxVocab:
		return fileErrorf("model.vocab has more than %d tokens: %w", MaxVocab, ErrTooLarge)
	}
	m.vocab = make(map[string]int32, len(vocab))
	for token, value := range vocab {
		if m.vocab[token], err = readID(value, "model.vocab"); err != nil {
			return err
		}
		m.longest = max(m.longest, len(token))
	}
	return nil
}

// parseMerges reads merges in either form, ["a b", ...] or [["a","b"], ...]. A repeated pair takes its last
// rank, as in HuggingFace.
func (m *bpe) parseMerges(raw json.RawMessage) error {
	m.ranks = map[uint64]uint32{}
	var list []any
	if err := read(raw, "model.merges", "an array", &list); err != nil {
		return err
	}
	if len(list) > maxMerges {
		return fileErrorf("model.merges has more than %d rules: %w", maxMerges, ErrTooLarge)
	}
	rules, pairs := false, false
	for i, rule := range list {
		var parts []string
		switch rule := rule.(type) {
		case string:
			if strings.HasPrefix(rule, "#version") {
				continue // a header line that some converters keep
			}
			rules, parts = true, strings.Split(rule, " ")
		case []any:
			pairs = true
			for _, part := range rule {
				text, _ := part.(string)
				parts = append(parts, text)
			}
		}
		if len(parts) != 2 || slices.Contains(parts, "") || rules && pairs {
			return fileErrorf("model.merges[%d]: want all \"a b\" or all [\"a\", \"b\"]", i)
		}
		var ids [3]int32
		for k, token := range []string{parts[0], parts[1], parts[0] + parts[1]} {
			id, ok := m.vocab[token]
			if !ok {
				return fileErrorf("merge %d needs the token %q, which is not in the vocabulary", i, clip(token))
			}
			ids[k] = id
		}
		m.ranks[pair(ids[0], ids[1])] = uint32(len(m.merged))
		m.merged = append(m.merged, ids[2])
	}
	return nil
}

// Merges lists the merge rules, lowest rank first, each as "left right".
func (t *Tokenizer) Merges() []string {
	m := &t.model
	pairs := slices.SortedFunc(maps.Keys(m.ranks), func(a, b uint64) int { return cmp.Compare(m.ranks[a], m.ranks[b]) })
	rules := make([]string, len(pairs))
	for i, p := range pairs {
		rules[i] = t.entries[p>>32].token + " " + t.entries[uint32(p)].token
	}
	return rules
}
