package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"muninn/model/tokenizer"
)

// alphabet writes bytes as a byte-level vocabulary does.
func alphabet(bytes ...byte) string { return string(tokenizer.AppendAlphabet(nil, string(bytes))) }

// tokenizerJSON is a byte-level BPE that gives every id of the vocabulary a meaning: 256 bytes, then readable pairs and
// triples of ASCII characters, frequent letters first, and the special tokens.
func tokenizerJSON(vocab int, specialTokens []string) ([]byte, error) {
	first := firstSpecial(vocab)
	if first < 256 {
		return nil, fmt.Errorf("a vocabulary of %d is too small: 256 bytes and %d special tokens need %d ids", vocab,
			len(specialTokens), 256+len(specialTokens))
	}
	ids := map[string]int{}
	for b := range 256 {
		ids[alphabet(byte(b))] = b
	}
	merges := mergeRules(first - 256)
	for i, m := range merges {
		ids[strings.Replace(m, " ", "", 1)] = 256 + i
	}
	added := make([]map[string]any, len(specialTokens))
	for i, name := range specialTokens {
		added[i] = map[string]any{"id": first + i, "content": "<|" + name + "|>", "single_word": false, "lstrip": false,
			"rstrip": false, "normalized": false, "special": true}
	}
	byteLevel := func(prefix, regex bool) map[string]any {
		return map[string]any{"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": regex}
	}
	return json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": byteLevel(false, false), "post_processor": nil, "decoder": byteLevel(true, true),
		"model": map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab": ids, "merges": merges},
	})
}

// mergeRules makes up to n rules: all pairs of printable ASCII characters, then triples of the 40 most frequent ones. The
// 73 025 there are suffice for Huginn's 65 536 ids.
func mergeRules(n int) []string {
	order := " etaoinshrdlucmfwypvbgkjqxzETAOINSHRDLUCMFWYPVBGKJQXZ"
	for b := '!'; b <= '~'; b++ {
		if !strings.ContainsRune(order, b) {
			order += string(b)
		}
	}
	var rules []string
	for _, a := range []byte(order) {
		for _, b := range []byte(order) {
			rules = append(rules, alphabet(a)+" "+alphabet(b))
		}
	}
	for _, a := range []byte(order[:40]) {
		for _, b := range []byte(order[:40]) {
			for _, c := range []byte(order[:40]) {
				rules = append(rules, alphabet(a, b)+" "+alphabet(c))
			}
		}
	}
	return rules[:min(n, len(rules))]
}
