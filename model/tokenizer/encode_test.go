package tokenizer

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlclark/regexp2/v2"
)

func TestMergeRules(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []int32
	}{
		{"two steps", small(), "abcab", []int32{4, 3}},
		{"byte without a token", small(), "axb", []int32{3}}, // nothing stands for x, so a and b meet
		// A pair listed twice has its last rank, here after b c.
		{"repeated merge", small("MERGES", `["a b","b c","a b"]`), "abc", []int32{0, 6}},
		{"single merge", small("MERGES", `["a b","b c"]`), "abc", []int32{3, 2}},
		{"version line", small("MERGES", `["#version: 0.2","a b"]`), "ab", []int32{3}},
		{"pairs", small("MERGES", `[["a","b"]]`), "ab", []int32{3}},
		{"pair with a space", small("PRE", "null", "VOCAB", `{"a":0," ":1,"a ":2}`, "MERGES", `[["a"," "]]`), "a a", []int32{2, 0}},
		{"no merges", small("MERGES", `[]`), "abc", []int32{0, 1, 2}},
		{"whole word ignored", small("MERGES", `[]`, "MORE", `"ignore_merges":false,`), "abc", []int32{0, 1, 2}},
		{"whole word taken", small("MERGES", `[]`, "MORE", `"ignore_merges":true,`), "abc", []int32{4}},
		{"ids with gaps", small("VOCAB", `{"a":7,"b":900,"ab":31}`, "MERGES", `["a b"]`), "aba", []int32{31, 7}},
		// Merging the first two leaves a stale entry for the second and third behind.
		{"overlapping pairs", small("VOCAB", `{"a":0,"aa":1,"aaa":2}`, "MERGES", `["a a","aa a"]`), "aaaaa", []int32{1, 2}},
		{"stale entries", small("MERGES", `["b c","a b","ab c"]`), "abcab", []int32{0, 6, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if ids := encode(t, parse(t, c.file), c.text, EncodeOptions{}); !slices.Equal(ids, c.want) {
				t.Errorf("ids %v, want %v", ids, c.want)
			}
		})
	}
}

func TestUnknownToken(t *testing.T) {
	unk := func(fuse string) string {
		s := strings.Replace(small(), `"unk_token":null`, `"unk_token":"c"`, 1)
		return strings.Replace(s, `"fuse_unk":false`, `"fuse_unk":`+fuse, 1)
	}
	if ids := encode(t, parse(t, unk("false")), "axxb", EncodeOptions{}); !slices.Equal(ids, []int32{0, 2, 2, 1}) {
		t.Errorf("ids %v", ids)
	}
	if ids := encode(t, parse(t, unk("true")), "axxb", EncodeOptions{}); !slices.Equal(ids, []int32{0, 2, 1}) {
		t.Errorf("fused ids %v", ids)
	}
	tok := parse(t, strings.Replace(small(), `"unk_token":null`, `"unk_token":"gone"`, 1))
	if _, err := tok.Encode("abc", EncodeOptions{}); err != nil {
		t.Errorf("no unknown token needed: %v", err)
	}
	if _, err := tok.Encode("x", EncodeOptions{}); !errors.Is(err, ErrFile) {
		t.Errorf("error %v, want ErrFile", err)
	}
}

// Text inside another has no beginning, and added tokens that are to stay text do, special or not.
func TestEncodeOptions(t *testing.T) {
	tok := parse(t, small("PRE", `{"type":"Metaspace","replacement":"_","prepend_scheme":"first"}`, "MERGES", `["_ a"]`,
		"VOCAB", `{"_":0,"a":1,"_a":2,"<":3,">":4}`, "ADDED", `[{"id":5,"content":"<a>","special":false},`+added(6, "<>")+`]`))
	for _, c := range []struct {
		text string
		opt  EncodeOptions
		want []int32
	}{
		{"a", EncodeOptions{}, []int32{2}}, {"a", EncodeOptions{Inside: true}, []int32{1}}, {" a", EncodeOptions{Inside: true}, []int32{2}},
		{"a<a>", EncodeOptions{}, []int32{2, 5}}, {"a<a>", EncodeOptions{Literal: []string{"<a>"}}, []int32{2, 3, 1, 4}},
		{"a<a><>", EncodeOptions{Literal: []string{"<a>"}, ParseSpecial: true}, []int32{2, 5, 6}}, {"a<>", EncodeOptions{}, []int32{2, 3, 4}},
	} {
		if ids := encode(t, tok, c.text, c.opt); !slices.Equal(ids, c.want) {
			t.Errorf("Encode(%q, %+v) = %v, want %v", c.text, c.opt, ids, c.want)
		}
	}
}

func TestLost(t *testing.T) {
	raven, gpt4 := parseVariant(t, "raven"), parseVariant(t, "gpt4")
	for _, c := range []struct {
		text string
		want int
	}{{"plain text", 0}, {"", 0}, {"e\u0301", 2}, {"नमस्ते", 3}, {"👩\u200d👧", 3}, {"a\x00b", 0}, {"a\x00", 1}} {
		if n, err := raven.Lost(c.text, EncodeOptions{}); err != nil || n != c.want {
			t.Errorf("Lost(%q) = %d, %v, want %d", c.text, n, err, c.want)
		}
		if n, err := gpt4.Lost(c.text, EncodeOptions{}); err != nil || n != 0 {
			t.Errorf("a split that removes nothing lost %d of %q, %v", n, c.text, err)
		}
	}
	strip := parseVariant(t, "gpt2")
	for _, c := range []struct {
		text string
		want int
	}{{"a  MASK \n b", 5}, {"RIGHT  LEFT", 2}, {"a MASK MASK b", 3}} { // white space between two is lost once
		if n, err := strip.Lost(c.text, EncodeOptions{ParseSpecial: true}); err != nil || n != c.want {
			t.Errorf("beside stripping tokens of %q: lost %d, %v, want %d", c.text, n, err, c.want)
		}
	}
}

// Lost is what Decode misses: where nothing is lost the text comes back.
func TestRoundTrip(t *testing.T) {
	g := goldens(t)
	tok := parseVariant(t, "raven")
	whole := 0
	for i := range g.Mixed {
		text := mixedText(i, g.Pools)
		lost, err := tok.Lost(text, EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := tok.Decode(encode(t, tok, text, EncodeOptions{}), false)
		if err != nil {
			t.Fatal(err)
		}
		if len(back)+lost != len(text) || lost == 0 && back != text {
			t.Errorf("%q: %d bytes lost, decoded %q", text, lost, back)
		}
		if lost == 0 {
			whole++
		}
	}
	if whole < g.Mixed/4 || whole == g.Mixed {
		t.Errorf("%d of %d texts came back whole; the test needs both kinds", whole, g.Mixed)
	}
}

func TestCleanUTF8(t *testing.T) {
	for _, c := range []struct {
		in, want string
		bad      bool
	}{{"", "", false}, {"é\ufffd", "é\ufffd", false}, {"a\xffb", "a\ufffdb", true}, {"\xe2\x82", "\ufffd\ufffd", true}, {"\xed\xa0\x80", "\ufffd\ufffd\ufffd", true}} {
		if s, bad := CleanUTF8(c.in); s != c.want || bad != c.bad {
			t.Errorf("CleanUTF8(%q) = %q, %t", c.in, s, bad)
		}
	}
	tok := parseVariant(t, "demo")
	if have, want := encode(t, tok, "a\xe2\x82z", EncodeOptions{}), encode(t, tok, "a\ufffd\ufffdz", EncodeOptions{}); !slices.Equal(have, want) {
		t.Errorf("ids %v, want %v", have, want)
	}
}

// A pattern that backtracks without end is an error that does not quote the text.
func TestPatternTimeout(t *testing.T) {
	p, err := compilePattern(`(?:a|aa)+(?=b)`, "pattern")
	if err != nil {
		t.Fatal(err)
	}
	p.re.MatchTimeout = 50 * time.Millisecond
	_, err = p.spans(strings.Repeat("a", 100)+"c", newBudget(100))
	if !errors.Is(err, ErrTimeout) || strings.Contains(err.Error(), "aaa") {
		t.Errorf("error %v, want ErrTimeout", err)
	}
	p, err = compilePattern(`a`, "pattern")
	if err != nil {
		t.Fatal(err)
	}
	over := &budget{deadline: time.Now().Add(-time.Second)}
	if _, err = p.spans(strings.Repeat("a", 1000), over); !errors.Is(err, ErrTimeout) {
		t.Errorf("many small matches past the deadline: %v, want ErrTimeout", err)
	}
	p, err = compilePattern(`(?:ab|ba|a)+(?=c)`, "pattern")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.spans(strings.Repeat("ab", 4<<20), newBudget(8<<20)); err == nil {
		t.Error("no limit on the backtracking stack")
	} else if !errors.Is(err, regexp2.ErrBacktrackingStackLimit) && !errors.Is(err, ErrTimeout) {
		t.Errorf("error %v", err)
	}
}

// One match of a megabyte must not take quadratic time. A quadratic merge loop needs hours here, so the test
// would end by the time limit of go test.
func TestLongPieces(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		size       int
	}{
		{"raven", "a", 1 << 20}, {"raven", " ", 1 << 20}, {"raven", "=", 1 << 17}, {"raven", "ab", 1 << 17},
		{"gpt4", "a", 1 << 20}, {"gpt4", " ", 1 << 20}, {"gpt4", "\n", 1 << 17}, {"gpt4", "é", 1 << 17},
		{"gpt2", "a", 1 << 17}, {"gpt2", "MASK ", 1 << 17}, {"gpt2", " ", 1 << 17}, {"demo", "a", 1 << 20},
	} {
		text := strings.Repeat(c.unit, c.size/len(c.unit))
		ids := encode(t, parseVariant(t, c.name), text, EncodeOptions{ParseSpecial: true})
		if len(ids) == 0 || len(ids) > len(text)+1 {
			t.Errorf("%s: %d ids for %d bytes of %q", c.name, len(ids), len(text), c.unit)
		}
	}
	if _, err := parseVariant(t, "demo").Encode(strings.Repeat("a", MaxText+1), EncodeOptions{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("text beyond the limit: %v", err)
	}
}

func TestAccessors(t *testing.T) {
	tok := parse(t, small("ADDED", `[`+added(7, "<x>")+`]`, "VOCAB", `{"a":0,"b":1,"c":2,"ab":3,"abc":4,"Ġ":5,"bc":9}`))
	if n := tok.VocabSize(); n != 10 {
		t.Errorf("VocabSize %d, want 10", n)
	}
	for _, c := range []struct {
		id      int32
		token   string
		bytes   string
		special bool
	}{{0, "a", "a", false}, {5, "Ġ", " ", false}, {7, "<x>", "<x>", true}} {
		token, ok := tok.Token(c.id)
		id, found := tok.ID(c.token)
		if !ok || token != c.token || !found || id != c.id || string(tok.Bytes(c.id)) != c.bytes || tok.IsSpecial(c.id) != c.special {
			t.Errorf("id %d: %q %v, id %d %v, bytes %q, special %t", c.id, token, ok, id, found, tok.Bytes(c.id), tok.IsSpecial(c.id))
		}
	}
	for _, id := range []int32{-1, 6, 8, 10, 1 << 30, -1 << 31} {
		if token, ok := tok.Token(id); ok || token != "" || tok.IsSpecial(id) || tok.Bytes(id) != nil {
			t.Errorf("id %d has a token %q", id, token)
		}
	}
	if _, ok := tok.ID("<y>"); ok {
		t.Error("ID of a token that does not exist")
	}
}

func TestConcurrentUse(t *testing.T) {
	g := goldens(t)
	tok := parseVariant(t, "raven")
	want := g.Golden["raven"]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, text := range g.Texts {
				if ids, err := tok.Encode(text, EncodeOptions{ParseSpecial: true}); err != nil || !slices.Equal(ids, want.IDs[i]) {
					t.Errorf("Encode(%q): %v, %v", text, ids, err)
				}
			}
		})
	}
	wg.Wait()
}
