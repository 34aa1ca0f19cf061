package tokenizer

import (
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// FuzzParse: any file is refused with an error of this package or gives a tokenizer that works.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small()))
	f.Add([]byte(small("ADDED", `[`+added(7, "<x>")+`]`, "MORE", `"ignore_merges":true,`)))
	f.Add([]byte(small("PRE", `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+|[^\\s]{1,3}(?!x)\\b"},"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":true}]}`)))
	f.Add([]byte(small("PRE", `{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithNext","invert":false}`, "DEC", `null`)))
	f.Add([]byte(small("NORM", `{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Strip"},{"type":"Prepend","prepend":"_"}]}`,
		"PRE", `{"type":"Metaspace","replacement":"_","prepend_scheme":"first"}`, "DEC", `{"type":"Metaspace","replacement":"_"}`,
		"POST", `{"type":"RobertaProcessing","sep":["a",0],"cls":["b",1]}`)))
	f.Add([]byte(small("POST", template(`[{"SpecialToken":{"id":"x","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]`, `[0,1]`))))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrFile) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("error of an unknown kind: %v", err)
			}
			return
		}
		checkEncode(t, tok, "ab abc <x> Ġé\u0301 \n\n1a2\xff😀 abcabc")
	})
}

// FuzzEncode: any text gives ids of the vocabulary, decodes without surprise, and streams as it decodes.
func FuzzEncode(f *testing.F) {
	var toks []*Tokenizer
	for _, name := range []string{"raven", "gpt4", "gpt2", "runes", "twice", "demo"} {
		toks = append(toks, parseVariant(f, name))
	}
	for _, name := range []string{"ouro", "hrm", "tinyllama", "neox"} {
		file, err := readGzip("family/" + name + ".tokenizer.json.gz")
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, parse(f, string(file)))
	}
	g := goldens(f)
	for i := range 20 {
		f.Add(uint8(i), g.Texts[i*11%len(g.Texts)])
		f.Add(uint8(i), mixedText(i, g.Pools))
	}
	f.Add(uint8(0), "\xe2\x82 \xff\xfe<|end_turn|>")
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		checkEncode(t, toks[int(which)%len(toks)], text)
	})
}

// FuzzTranslate: a pattern is refused or compiles; translating takes no part in matching.
func FuzzTranslate(f *testing.F) {
	for _, d := range goldens(f).Dialect {
		f.Add(d.Pattern, "a b\n")
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		p, err := compilePattern(source, "pattern")
		if err != nil {
			return
		}
		text, _ = CleanUTF8(text)
		spans, err := p.spans(text, newBudget(len(text)))
		if err != nil {
			return
		}
		at := 0
		for _, s := range spans {
			if s.start != at || s.end < s.start {
				t.Fatalf("pattern %q on %q: spans %v leave a gap", source, text, spans)
			}
			at = s.end
		}
		if at != len(text) {
			t.Fatalf("pattern %q on %q: spans %v end early", source, text, spans)
		}
	})
}

func checkEncode(t *testing.T, tok *Tokenizer, text string) {
	for _, opt := range []EncodeOptions{{}, {AddSpecial: true, ParseSpecial: true}} {
		ids, lost, err := tok.encode(text, opt)
		if errors.Is(err, ErrTimeout) || errors.Is(err, ErrFile) || errors.Is(err, regexp2.ErrBacktrackingStackLimit) {
			continue // the file's own pattern or unknown token
		}
		if err != nil {
			t.Fatalf("Encode(%q): %v", text, err)
		}
		clean, _ := CleanUTF8(text)
		if lost < 0 || lost > len(clean)+len(clean)*len(tok.stages) {
			t.Fatalf("Encode(%q) lost %d bytes", text, lost)
		}
		for _, id := range ids {
			if _, ok := tok.Token(id); !ok {
				t.Fatalf("Encode(%q) gave id %d, which has no token", text, id)
			}
		}
		whole, err := tok.Decode(ids, false)
		if err != nil || !utf8.ValidString(whole) {
			t.Fatalf("Decode(%v) = %q, %v", ids, whole, err)
		}
		if s := streamed(tok, ids, false); s != whole {
			t.Fatalf("streamed %q, whole %q", s, whole)
		}
		if !opt.ParseSpecial && slices.ContainsFunc(ids, tok.IsSpecial) && !hasSpelling(tok, ids) {
			t.Fatalf("Encode(%q) gave a special token without being asked", text)
		}
	}
}

// hasSpelling reports whether every special id in ids may be an ordinary token of the model too.
func hasSpelling(tok *Tokenizer, ids []int32) bool {
	for _, id := range ids {
		if token, _ := tok.Token(id); tok.IsSpecial(id) {
			if _, ok := tok.model.vocab[token]; !ok {
				return false
			}
		}
	}
	return true
}
