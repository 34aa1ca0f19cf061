package tokenizer

import (
	"encoding/json"
	"fmt"
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
	m.vocab = map[string]int32{}
	err := each(raw, "model.vocab", '{', func(dec *json.Decoder, token string, _ int) error {
		if len(m.vocab) >= MaxVocab {
			return fileErrorf("model.vocab has more than %d tokens: %w", MaxVocab, ErrTooLarge)
		}
		value, err := dec.Token()
		if err != nil {
			return fileErrorf("model.vocab: %w", err)
		}
		number, _ := value.(json.Number)
		id, err := readID([]byte(number), "model.vocab")
		m.vocab[token] = id
		m.longest = max(m.longest, len(token))
		return err
	})
	if err == nil && len(m.vocab) == 0 {
		err = fileErrorf("model.vocab is empty")
	}
	return err
}

// parseMerges reads merges in either form, ["a b", ...] or [["a","b"], ...]. A repeated pair takes its last
// rank, as in HuggingFace.
func (m *bpe) parseMerges(raw json.RawMessage) error {
	m.ranks = map[uint64]uint32{}
	rules, pairs := false, false
	return each(raw, "model.merges", '[', func(dec *json.Decoder, _ string, i int) error {
		if i >= maxMerges {
			return fileErrorf("model.merges has more than %d rules: %w", maxMerges, ErrTooLarge)
		}
		var rule any
		if err := dec.Decode(&rule); err != nil {
			return fileErrorf("model.merges[%d]: %w", i, err)
		}
		var parts []string
		switch rule := rule.(type) {
		case string:
			if strings.HasPrefix(rule, "#version") {
				return nil // a header line that some converters keep
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
				return &MergeError{Index: i, Token: clip(token)}
			}
			ids[k] = id
		}
		m.ranks[pair(ids[0], ids[1])] = uint32(len(m.merged))
		m.merged = append(m.merged, ids[2])
		return nil
	})
}
