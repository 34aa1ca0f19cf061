package tokenizer

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// Tokenizers of the kinds that the relatives of the model have, with what HuggingFace's library makes of 200 texts and 40
// lists of ids: Ouro, HRM-Text, the retrofitted Llama-3.2, OLMo-2 and TinyLlama, and GPT-NeoX.
func TestFamilyGoldens(t *testing.T) {
	for _, name := range []string{"ouro", "hrm", "llama3", "olmo2", "tinyllama", "neox"} {
		t.Run(name, func(t *testing.T) {
			var cases struct {
				Vocabulary int
				Encode     []struct {
					Text            string
					IDs             []int32
					WithoutTemplate []int32 `json:"ids_without_template"`
					Decoded         *string
					SkipSpecial     *string `json:"decoded_skip_special"`
				}
				Decode []struct {
					IDs         []int32
					Decoded     string
					SkipSpecial *string `json:"decoded_skip_special"`
				}
			}
			file, err := readGzip("family/" + name + ".tokenizer.json.gz")
			data, err2 := readGzip("family/" + name + ".cases.json.gz")
			if err := errors.Join(err, err2, json.Unmarshal(data, &cases)); err != nil {
				t.Fatal(err)
			}
			tok := parse(t, string(file))
			if tok.VocabSize() != cases.Vocabulary || len(cases.Encode) < 200 || len(cases.Decode) < 40 {
				t.Errorf("%d tokens, want %d; %d texts, %d lists", tok.VocabSize(), cases.Vocabulary, len(cases.Encode), len(cases.Decode))
			}
			decodes := func(ids []int32, skip bool, want string) {
				if have, err := tok.Decode(ids, skip); err != nil || have != want {
					t.Errorf("Decode(%v, %t) = %q, %v, want %q", ids, skip, have, err, want)
				}
				if have := streamed(tok, ids, skip); have != want {
					t.Errorf("streamed %v: %q, want %q", ids, have, want)
				}
			}
			for _, c := range cases.Encode {
				if c.WithoutTemplate == nil { // the same
					c.WithoutTemplate = c.IDs
				}
				if have := encode(t, tok, c.Text, EncodeOptions{ParseSpecial: true}); !slices.Equal(have, c.WithoutTemplate) {
					t.Errorf("Encode(%q)\n have %v\n want %v", c.Text, have, c.WithoutTemplate)
				}
				if have := encode(t, tok, c.Text, EncodeOptions{ParseSpecial: true, AddSpecial: true}); !slices.Equal(have, c.IDs) {
					t.Errorf("Encode(%q) with its template\n have %v\n want %v", c.Text, have, c.IDs)
				}
				if c.Decoded != nil {
					decodes(c.IDs, false, *c.Decoded)
				}
				if c.SkipSpecial != nil {
					decodes(c.IDs, true, *c.SkipSpecial)
				}
			}
			for _, c := range cases.Decode {
				decodes(c.IDs, false, c.Decoded)
				if c.SkipSpecial != nil {
					decodes(c.IDs, true, *c.SkipSpecial)
				}
			}
		})
	}
}

// Files that leave out what may be left out, or number their added tokens with holes, are read as they stand.
func TestParseAccepts(t *testing.T) {
	short := `{"id":9,"content":"<x>","special":true}`
	for name, c := range map[string]struct {
		file, text string
		want       []int32
	}{
		"empty normalizer":       {small("NORM", `{"type":"Sequence","normalizers":[]}`), "abc", []int32{4}},
		"empty pre-tokenizer":    {small("PRE", `{"type":"Sequence","pretokenizers":[]}`), "abc", []int32{4}},
		"empty post-processor":   {small("POST", `{"type":"Sequence","processors":[]}`), "abc", []int32{4}},
		"NFC in a sequence":      {small("NORM", `{"type":"Sequence","normalizers":[{"type":"NFC"}]}`), "abc", []int32{4}},
		"added with a hole":      {small("ADDED", `[`+added(9, "<x>")+`]`), "a<x>", []int32{0, 9}},
		"added without flags":    {small("ADDED", `[`+short+`]`), "a <x>", []int32{0, 5, 9}},
		"added flags null":       {small("ADDED", `[`+strings.Replace(short, "true", `true,"lstrip":null,"normalized":null`, 1)+`]`), "a<x>", []int32{0, 9}},
		"ByteLevel without more": {small("PRE", `{"type":"ByteLevel"}`), "abc", []int32{4}},
		"Split without invert":   {small("PRE", `{"type":"Split","pattern":{"String":"b"},"behavior":"Isolated"}`), "abc", []int32{0, 1, 2}},
		"Digits without more":    {small("PRE", `{"type":"Digits"}`, "VOCAB", `{"a":0,"1":1,"2":2,"12":3,"a1":4}`, "MERGES", `["1 2","a 1"]`), "a12", []int32{0, 3}},
		"Digits one by one":      {small("PRE", `{"type":"Digits","individual_digits":true}`, "VOCAB", `{"a":0,"1":1,"2":2,"12":3}`, "MERGES", `["1 2"]`), "a12", []int32{0, 1, 2}},
		"bytes for a rune":       {small("PRE", `null`, "MORE", `"byte_fallback":true,`, "VOCAB", `{"a":0,"<0xC3>":1,"<0xA9>":2}`, "MERGES", `[]`), "aé", []int32{0, 1, 2}},
		"Metaspace":              {small("PRE", `{"type":"Metaspace","replacement":"_"}`, "VOCAB", `{"_":0,"a":1,"_a":2}`, "MERGES", `["_ a"]`), "a a", []int32{2, 2}},
		"Metaspace at the start": {small("PRE", `{"type":"Metaspace","replacement":"_","prepend_scheme":"first"}`, "VOCAB", `{"_":0,"a":1,"_a":2}`, "MERGES", `["_ a"]`, "ADDED", `[`+added(3, "<x>")+`]`), "a<x>a", []int32{2, 3, 1}},
		"not all its bytes":      {small("PRE", `null`, "MORE", `"byte_fallback":true,`, "VOCAB", `{"a":0,"<0xC3>":1}`, "MERGES", `[]`), "aéa", []int32{0, 0}},
	} {
		tok := parse(t, c.file)
		if have := encode(t, tok, c.text, EncodeOptions{ParseSpecial: true}); !slices.Equal(have, c.want) {
			t.Errorf("%s: Encode(%q) = %v, want %v", name, c.text, have, c.want)
		}
	}
}

// What is refused is named with its place in the file.
func TestUnsupportedPlace(t *testing.T) {
	for file, want := range map[string]string{
		small("PRE", `{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"BertPreTokenizer"}]}`):                    `pre_tokenizer.pretokenizers[1]: "BertPreTokenizer" is not`,
		small("NORM", `{"type":"Sequence","normalizers":[{"type":"Sequence","normalizers":[{"type":"Nmt"}]}]}`):                `normalizer.normalizers[0].normalizers[0]: "Nmt"`,
		small("DEC", `{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"CTC"}]}`):                                        `decoder.decoders[1]: "CTC"`,
		small("POST", `{"type":"Sequence","processors":[{"type":"OtherProcessing"}]}`):                                         `post_processor.processors[0]: "OtherProcessing"`,
		small("PRE", `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\X"},"behavior":"Isolated"}]}`): `pre_tokenizer.pretokenizers[0].pattern: "\\X"`,
		strings.Replace(small(), `"dropout":null`, `"dropout":0.1`, 1):                                                         `model.dropout: "dropout"`,
	} {
		if _, err := Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
