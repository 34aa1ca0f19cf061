package tokenizer

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Goldens made with HuggingFace's own library by tools/tokenizer-goldens.

type variant struct {
	Set   map[string]json.RawMessage // members of tokenizer.json to replace
	Model map[string]json.RawMessage // members of its model
	Pairs bool                       // merges as pairs
	File  string                     // another file instead of the base
}

type golden struct {
	VocabSize int
	IDs       [][]int32
	Special   [][]int32 // with AddSpecial, for the first texts
	Decoded   []*string // nil: the text itself
	Sums      string    // checksums for the seeds
}

type goldenFile struct {
	Variants     map[string]variant
	Pools        [][]string
	Texts        []string
	Mixed        int
	CodePoints   int
	Sequences    int
	Golden       map[string]golden
	DialectTexts []string
	Dialect      []struct {
		Pattern  string
		Behavior behavior
		Invert   bool
		Pieces   [][]string
	}
}

const (
	goldenDir = "../../testdata/tokenizer"
	demoFile  = "../demo/tokenizer.json"
)

func readGzip(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(goldenDir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

var loadGoldens = sync.OnceValues(func() (*goldenFile, error) {
	data, err := readGzip("goldens.json.gz")
	if err != nil {
		return nil, err
	}
	g := new(goldenFile)
	return g, json.Unmarshal(data, g)
})

func goldens(t testing.TB) *goldenFile {
	t.Helper()
	g, err := loadGoldens()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// variantFile builds the tokenizer.json of a variant.
func variantFile(t testing.TB, v variant) []byte {
	t.Helper()
	if v.File != "" {
		data, err := os.ReadFile(demoFile)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	data, err := readGzip("base.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	var file, model map[string]json.RawMessage
	var merges []string
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(json.Unmarshal(data, &file))
	must(json.Unmarshal(file["model"], &model))
	for k, v := range v.Set {
		file[k] = v
	}
	for k, v := range v.Model {
		model[k] = v
	}
	if v.Pairs {
		must(json.Unmarshal(model["merges"], &merges))
		pairs := make([][]string, len(merges))
		for i, m := range merges {
			pairs[i] = strings.Split(m, " ")
		}
		model["merges"], err = json.Marshal(pairs)
		must(err)
	}
	file["model"], err = json.Marshal(model)
	must(err)
	data, err = json.Marshal(file)
	must(err)
	return data
}

func parseVariant(t testing.TB, name string) *Tokenizer {
	t.Helper()
	v, ok := goldens(t).Variants[name]
	if !ok {
		t.Fatalf("no variant %q", name)
	}
	tok, err := Parse(variantFile(t, v))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGoldens(t *testing.T) {
	g := goldens(t)
	for name, want := range g.Golden {
		t.Run(name, func(t *testing.T) {
			tok := parseVariant(t, name)
			if tok.VocabSize() != want.VocabSize {
				t.Errorf("VocabSize %d, want %d", tok.VocabSize(), want.VocabSize)
			}
			opt := EncodeOptions{ParseSpecial: true}
			for i, text := range g.Texts {
				ids := encode(t, tok, text, opt)
				if !slices.Equal(ids, want.IDs[i]) {
					t.Errorf("Encode(%q)\n have %v\n want %v", text, ids, want.IDs[i])
				}
				back := text
				if want.Decoded[i] != nil {
					back = *want.Decoded[i]
				}
				if have, err := tok.Decode(want.IDs[i], false); err != nil || have != back {
					t.Errorf("Decode(%v) = %q, %v, want %q", want.IDs[i], have, err, back)
				}
			}
			opt.AddSpecial = true
			for i, ids := range want.Special {
				if have := encode(t, tok, g.Texts[i], opt); !slices.Equal(have, ids) {
					t.Errorf("Encode(%q) with special tokens = %v, want %v", g.Texts[i], have, ids)
				}
			}
			checkSeeds(t, g, name, tok)
		})
	}
}

// checkSeeds compares the generated strings and id sequences, of which only checksums are stored.
func checkSeeds(t *testing.T, g *goldenFile, name string, tok *Tokenizer) {
	raw, err := base64.StdEncoding.DecodeString(g.Golden[name].Sums)
	if err != nil || len(raw) != 4*(g.Mixed+g.CodePoints+2*g.Sequences) {
		t.Fatalf("checksums: %d bytes, %v", len(raw), err)
	}
	sum := func() uint32 {
		v := binary.LittleEndian.Uint32(raw)
		raw = raw[4:]
		return v
	}
	opt := EncodeOptions{ParseSpecial: true}
	for i := range g.Mixed {
		text := mixedText(i, g.Pools)
		if ids := encode(t, tok, text, opt); checksum(ids) != sum() {
			t.Errorf("mixed text %d: %q has ids %v, the library others", i, text, ids)
		}
	}
	for i := range g.CodePoints {
		text := codePointText(i)
		if ids := encode(t, tok, text, opt); checksum(ids) != sum() {
			t.Errorf("code points %d: %q has ids %v, the library others", i, text, ids)
		}
	}
	for i := range g.Sequences {
		for _, skip := range []bool{false, true} {
			ids := randomIDs(i, g.Golden[name].VocabSize)
			text, err := tok.Decode(ids, skip)
			if err != nil && !errors.Is(err, ErrUnknownID) {
				t.Fatal(err)
			}
			if crc32.ChecksumIEEE([]byte(text)) != sum() {
				t.Errorf("Decode(%v, %t) = %q, the library another text", ids, skip, text)
			}
			if have := streamed(tok, ids, skip); have != text {
				t.Errorf("streamed %v: %q, whole %q", ids, have, text)
			}
		}
	}
}

func encode(t testing.TB, tok *Tokenizer, text string, opt EncodeOptions) []int32 {
	t.Helper()
	ids, err := tok.Encode(text, opt)
	if err != nil {
		t.Fatalf("Encode(%.200q): %v", text, err)
	}
	return ids
}

func streamed(tok *Tokenizer, ids []int32, skip bool) string {
	s := tok.NewStream()
	s.SkipSpecial = skip
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(s.Push(id))
	}
	b.WriteString(s.Flush())
	return b.String()
}

// Without ParseSpecial special tokens are plain text, as if the file did not list them.
func TestSpecialAsText(t *testing.T) {
	tok := parseVariant(t, "raven")
	want := goldens(t).Golden["plainspecials"]
	for i, text := range goldens(t).Texts {
		if ids := encode(t, tok, text, EncodeOptions{}); !slices.Equal(ids, want.IDs[i]) {
			t.Errorf("Encode(%q) = %v, want %v", text, ids, want.IDs[i])
		}
	}
}

// refused lists patterns that Oniguruma reads in a way translate does not rewrite.
var refused = []string{"a{,"}

func TestDialect(t *testing.T) {
	g := goldens(t)
	for _, d := range g.Dialect {
		p, err := compilePattern(d.Pattern, "pattern")
		if slices.Contains(refused, d.Pattern) {
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("pattern %q: %v, want it refused by name", d.Pattern, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("pattern %q: %v", d.Pattern, err)
			continue
		}
		for i, text := range g.DialectTexts {
			have := []string{}
			if text != "" {
				if have, _, err = (split{p, d.Behavior, d.Invert}).apply([]string{text}, newBudget(0)); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(have, d.Pieces[i]) {
				t.Errorf("pattern %q %s %t on %q\n have %q\n want %q", d.Pattern, d.Behavior, d.Invert, text, have, d.Pieces[i])
			}
		}
	}
}
