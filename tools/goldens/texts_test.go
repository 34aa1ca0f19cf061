package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// textGoldens lays out a folder of golden data from the repository's texts, with something replaced in one file.
func textGoldens(t *testing.T, change, old, new string) string {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{
		"ouro.tokenizer": "tokenizers/ouro/tokenizer.json", "ouro.cases": "tokenizers/ouro/cases.json", "ouro.chat": "chat/ouro.json",
		"hrm.tokenizer": "tokenizers/hrm/tokenizer.json", "hrm.cases": "tokenizers/hrm/cases.json", "hrm.chat": "chat/hrm.json",
	} {
		f, err := os.Open(filepath.Join("../../testdata/tokenizer/family", from+".json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		f.Close()
		if from == change {
			if !bytes.Contains(data, []byte(old)) {
				t.Fatalf("%s has no %s", from, old)
			}
			data = bytes.Replace(data, []byte(old), []byte(new), 1)
		}
		path := filepath.Join(dir, filepath.FromSlash(to))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestTexts holds tokenizers and chats to the repository's cases, and sees what is wrong with one.
func TestTexts(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"", "", "", ""},
		{"ouro.cases", `"ids":[237]`, `"ids":[238]`, `id of " " 0 is 237, want 238`},
		{"hrm.cases", `"decoded":"`, `"decoded":"x`, "the text of "},
		{"ouro.chat", `"rendered":"<|im_start|>`, `"rendered":"<|im_begin|>`, "the prompt is "},
		{"hrm.chat", `"ids":[6,`, `"ids":[7,`, "id of the prompt 0 is 6, want 7"},
		{"ouro.chat", "for message in messages", "for m in messages", "its chat template is not the built-in form"},
		{"hrm.cases", "hrm/tokenizer.json", "../tokenizer.json", "want a file in tokenizers/"},
		{"hrm.tokenizer", `"NFC"`, `"Nmt"`, `normalizer: "Nmt" is not supported`},
	} {
		var out bytes.Buffer
		s, err := run(options{dir: textGoldens(t, c.file, c.old, c.new), engine: "reference"}, &out)
		if err != nil {
			t.Fatal(err)
		}
		if s.Passed+s.Failed != 2+24+96 || (s.Failed > 0) != (c.want != "") || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %d passed, %d failed, want %q:\n%s", c.file, s.Passed, s.Failed, c.want, &out)
		}
	}
}
