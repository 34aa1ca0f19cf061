package main

import (
	"encoding/json"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// lossy is a tokenizer that, as Huginn's does, drops what its pattern does not match: here, all but letters.
const lossy = `{"version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
  {"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Removed", "invert": true},
  {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
"decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
"model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
  "fuse_unk": false, "byte_fallback": false, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}`

// Text that the tokenizer drops is counted on standard error, and the rest is tokenized.
func TestLossyText(t *testing.T) {
	dir := soundWith(t, map[string]string{"tokenizer.json": lossy})
	o := invoke("tokenize", dir, "--json", "ab 12 b")
	o.wants(t, cli.ExitOK, "", "4 bytes of the text are dropped")
	var got tokenized
	if err := json.Unmarshal([]byte(o.out), &got); err != nil {
		t.Fatal(err)
	}
	if joinIDs(got.IDs) != "1 2 1" || strings.Join(got.Tokens, " ") != "b ab b" || got.Lost != 4 { // 1: the begin token
		t.Errorf("%+v", got)
	}
	invoke("tokenize", dir, "ab").wants(t, cli.ExitOK, "1 2\n", "")
	if quiet := invoke("tokenize", dir, "-q", "ab 12 b"); quiet.err != "" {
		t.Errorf("-q: %s", quiet.err)
	}
	invoke("run", dir, "ab 12", "-n", "1", "-q").wants(t, cli.ExitOK, "", "")
}

func TestParseIDs(t *testing.T) {
	ids, err := parseIDs(" 1, 2\t3\n4,,5 ")
	if err != nil || joinIDs(ids) != "1 2 3 4 5" {
		t.Errorf("%v, %v", ids, err)
	}
	for _, bad := range []string{"", " ,", "-1", "1.5", "2147483648", "0x10", "one"} {
		if ids, err := parseIDs(bad); !cli.IsUsage(err) {
			t.Errorf("%q: %v, %v", bad, ids, err)
		}
	}
}
