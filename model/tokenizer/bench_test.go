package tokenizer

import (
	"strings"
	"testing"
)

// prose is about n bytes of the golden texts that hold words.
func prose(b *testing.B, n int) string {
	var s strings.Builder
	for s.Len() < n {
		for _, text := range goldens(b).Texts {
			if len(text) > 60 && strings.Count(text, " ") > 8 {
				s.WriteString(text)
				s.WriteByte('\n')
			}
		}
	}
	return s.String()
}

// MB/s of text. Equal letters are one match and one piece: the worst case for the merge loop.
func BenchmarkEncode(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"prose", prose(b, 256<<10)}, {"letters", strings.Repeat("a", 1<<20)}, {"spaces", strings.Repeat(" ", 1<<20)},
	} {
		for _, name := range []string{"raven", "gpt4", "demo"} {
			tok := parseVariant(b, name)
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(c.text)))
				for b.Loop() {
					encode(b, tok, c.text, EncodeOptions{})
				}
			})
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data := variantFile(b, goldens(b).Variants["raven"])
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := parseVariant(b, "raven")
	text := prose(b, 256<<10)
	ids := encode(b, tok, text, EncodeOptions{})
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := tok.Decode(ids, true); err != nil {
			b.Fatal(err)
		}
	}
}
