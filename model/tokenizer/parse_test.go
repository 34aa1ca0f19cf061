package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// smallFile is a tokenizer.json with the members in sub replaced: "model.vocab" style names reach inside.
const smallFile = `{"version":"1.0","truncation":null,"padding":null,"added_tokens":ADDED,"normalizer":NORM,
"pre_tokenizer":PRE,"post_processor":POST,"decoder":DEC,"model":{"type":"BPE","dropout":null,"unk_token":null,
"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,MORE"vocab":VOCAB,"merges":MERGES}}`

var smallParts = map[string]string{
	"ADDED": `[]`, "NORM": `null`, "POST": `null`, "DEC": `{"type":"ByteLevel"}`, "MORE": ``,
	"PRE":    `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}`,
	"VOCAB":  `{"a":0,"b":1,"c":2,"ab":3,"abc":4,"Ġ":5,"bc":6}`,
	"MERGES": `["a b","ab c"]`,
}

// small builds a file from smallParts and pairs of name and replacement.
func small(replace ...string) string {
	s := smallFile
	for i := 0; i < len(replace); i += 2 {
		s = strings.Replace(s, replace[i], replace[i+1], 1)
	}
	for name, part := range smallParts {
		s = strings.Replace(s, name, part, 1)
	}
	return s
}

func parse(t testing.TB, file string) *Tokenizer {
	t.Helper()
	tok, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func added(id int, content string) string {
	return fmt.Sprintf(`{"id":%d,"content":%q,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}`, id, content)
}

func nested(open, close string, depth int, core string) string {
	return strings.Repeat(open, depth) + core + strings.Repeat(close, depth)
}

// Every file here must be refused, with the given kind of error and words that name the fault.
func TestParseRefuses(t *testing.T) {
	regex := func(p string) string {
		return fmt.Sprintf(`{"type":"Split","pattern":{"Regex":%q},"behavior":"Isolated","invert":false}`, p)
	}
	sequence := `{"type":"Sequence","pretokenizers":[`
	for _, c := range []struct{ name, file, want string }{
		{"empty", ``, "ends too early"},
		{"not JSON", `tokens`, "invalid character"},
		{"truncated", small()[:200], "ends too early"},
		{"truncated in vocab", strings.SplitAfter(small(), `"abc"`)[0], "ends too early"},
		{"trailing data", small() + `{}`, "after the JSON object"},
		{"array", `[]`, "not a JSON object"},
		{"NUL", small() + "\x00", "after the JSON object"},
		{"NUL inside", strings.Replace(small(), "BPE", "B\x00PE", 1), "invalid character"},
		{"invalid UTF-8", strings.Replace(small(), "Ġ", "\xff", 1), "UTF-8"},
		{"lone surrogate", small("VOCAB", `{"\ud800":0}`), "surrogate"},
		{"low surrogate", small("VOCAB", `{"\udc00":0}`), "surrogate"},
		{"deep nesting", nested("[", "]", 100_000, ""), "not a JSON object"},
		{"deep nesting inside", small("NORM", nested("[", "]", 100_000, "")), "nested deeper"},
		{"member twice", `{"version":"1.0","version":"1.0"}`, "duplicate key \"version\""},
		{"no model", `{"version":"1.0"}`, "model"},
		{"case matters", strings.Replace(small(), `"model"`, `"Model"`, 1), "model"},

		{"vocab array", small("VOCAB", `[]`), "want an object"},
		{"vocab null", small("VOCAB", `null`), "want an object"},
		{"vocab empty", small("VOCAB", `{}`, "MERGES", `[]`), "empty"},
		{"vocab string id", small("VOCAB", `{"a":"0"}`), "want an id"},
		{"vocab negative id", small("VOCAB", `{"a":-1}`), "want an id"},
		{"vocab float id", small("VOCAB", `{"a":0.0}`), "want an id"},
		{"vocab exponent", small("VOCAB", `{"a":1e2}`), "want an id"},
		{"vocab huge id", small("VOCAB", `{"a":4294967296}`), "want an id"},
		{"vocab id at the limit", small("VOCAB", `{"a":1048576}`), "want an id"},
		{"vocab token twice", small("VOCAB", `{"a":0,"a":1}`), "duplicate key \"a\""},
		{"vocab id twice", small("VOCAB", `{"a":0,"b":0}`, "MERGES", `[]`), `both "a" and "b"`},

		{"merges object", small("MERGES", `{}`), "want an array"},
		{"merges missing", strings.Replace(small(), `"merges"`, `"m"`, 1), "model.merges"},
		{"merge of one", small("MERGES", `["ab"]`), "model.merges[0]"},
		{"merge of three", small("MERGES", `["a b c"]`), "model.merges[0]"},
		{"pair of one", small("MERGES", `[["a"]]`), "model.merges[0]"},
		{"pair with null", small("MERGES", `[["a",null]]`), "model.merges[0]"},
		{"pair with a number between", small("MERGES", `[["a",1,"b"]]`), "model.merges[0]"},
		{"pair of numbers", small("MERGES", `[[0,1]]`), "model.merges[0]"},
		{"merges mixed", small("MERGES", `["a b",["ab","c"]]`), "model.merges[1]"},
		{"merge numbers", small("MERGES", `[1,2]`), "model.merges[0]"},
		{"merge left missing", small("MERGES", `["x b"]`), `token "x"`},
		{"merge right missing", small("MERGES", `["a b","a x"]`), `merge 1 needs the token "x"`},
		{"merge result missing", small("MERGES", `["b a"]`), `token "ba"`},

		{"added object", small("ADDED", `{}`), "want an array"},
		{"added no id", small("ADDED", `[{"content":"x"}]`), "added_tokens[0].id"},
		{"added wrong type", small("ADDED", strings.Replace(`[`+added(7, "<x>")+`]`, "false", "0", 1)), "single_word"},
		{"added number as text", small("ADDED", strings.Replace(`[`+added(7, "<x>")+`]`, `"<x>"`, `7`, 1)), "content"},
		{"added empty", small("ADDED", `[`+added(7, "")+`]`), "0 bytes"},
		{"added huge", small("ADDED", `[`+added(7, strings.Repeat("x", 300))+`]`), "300 bytes"},
		{"added id taken", small("ADDED", `[`+added(0, "<x>")+`]`), "id 0 belongs to both"},
		{"added id not the vocabulary's", small("ADDED", `[`+added(7, "abc")+`]`), "is 4"},
		{"added twice", small("ADDED", `[`+added(7, "<x>")+`,`+added(8, "<x>")+`]`), "appears twice"},
		{"added where the vocabulary has gaps", small("VOCAB", `{"a":0,"b":2}`, "MERGES", `[]`, "ADDED", `[`+added(2, "<x>")+`]`), "belongs to both"},

		{"pattern", small("PRE", regex(`(`)), "split pattern"},
		{"pattern brackets", small("PRE", regex(strings.Repeat("(", 5000)+strings.Repeat(")", 5000))), "nested more"},
		{"pattern repeat", small("PRE", regex(`a{1,99999}`)), "repeat count"},
		{"pattern size", small("PRE", regex(strings.Repeat("a", 70_000))), "70000 bytes"},
		{"pattern of two kinds", small("PRE", `{"type":"Split","pattern":{"Regex":"a","String":"a"},"behavior":"Isolated","invert":false}`), "want {"},
		{"pattern as text", small("PRE", `{"type":"Split","pattern":"a","behavior":"Isolated","invert":false}`), "want an object"},
		{"nested sequences", small("PRE", nested(sequence, `]}`, 40, regex("a"))), "nested more"},
		{"flag as text", small("PRE", `{"type":"ByteLevel","add_prefix_space":"no"}`), "add_prefix_space"},
		{"no type", small("PRE", `{}`), "pre_tokenizer.type"},

		{"template id", small("POST", template(`[{"SpecialToken":{"id":"x","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]`, `[99]`)), "no token"},
		{"template name", small("POST", template(`[{"SpecialToken":{"id":"y","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]`, `[0]`)), "not among"},
		{"template without text", small("POST", template(`[{"SpecialToken":{"id":"x","type_id":0}}]`, `[0]`)), "no place"},
		{"prepend of much", small("NORM", `{"type":"Prepend","prepend":"`+strings.Repeat("x", 300)+`"}`), "normalizer.prepend: 300 bytes"},
		{"replacement of much", small("NORM", `{"type":"Replace","pattern":{"String":" "},"content":"`+strings.Repeat("x", 300)+`"}`), "normalizer.content: 300 bytes"},
		{"pair of three", small("POST", `{"type":"BertProcessing","sep":["a",0,1],"cls":["b",1]}`), "post_processor.sep: want a token and its id"},
		{"pair of ids", small("POST", `{"type":"RobertaProcessing","sep":["a",0],"cls":[1,1]}`), "post_processor.cls: want a token and its id"},
		{"pair without a token", small("POST", `{"type":"RobertaProcessing","sep":["a",0],"cls":["b",99]}`), "id 99 has no token"},
		{"pair missing", small("POST", `{"type":"RobertaProcessing"}`), "post_processor.cls: want a token and its id"},
		{"replacement of two", small("PRE", `{"type":"Metaspace","replacement":"__"}`), "want one character"},
		{"Metaspace against itself", small("DEC", `{"type":"Metaspace","replacement":"_","add_prefix_space":false}`), "add_prefix_space is false, prepend_scheme always"},
		{"template null", small("POST", `{"type":"TemplateProcessing","single":null,"special_tokens":{}}`), "want an array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.file))
			if err == nil {
				t.Fatal("accepted")
			}
			if !errors.Is(err, ErrFile) || !strings.HasPrefix(err.Error(), "tokenizer: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want ErrFile and %q", err, c.want)
			}
			if len(err.Error()) > 400 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func template(single, ids string) string {
	return `{"type":"TemplateProcessing","single":` + single + `,"pair":[],"special_tokens":{"x":{"id":"x","ids":` + ids + `,"tokens":["x"]}}}`
}

func TestParseMergeError(t *testing.T) {
	_, err := Parse([]byte(small("MERGES", `["a b","ab x"]`)))
	if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), `merge 1 needs the token "x"`) {
		t.Errorf("error %v, want one of merge 1 and x", err)
	}
}

// What HuggingFace knows and this package does not must be named, never guessed at.
func TestParseUnsupported(t *testing.T) {
	split := func(p string) string {
		return fmt.Sprintf(`{"type":"Split","pattern":{"Regex":%q},"behavior":"Isolated","invert":false}`, p)
	}
	two := `[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]`
	for _, c := range []struct{ component, kind, file string }{
		{"normalizer", "Lowercase", small("NORM", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]}`)},
		{"normalizer", "Replace with a Regex", small("NORM", `{"type":"Replace","pattern":{"Regex":"a+"},"content":"b"}`)},
		{"decoder", "ByteLevel after ByteLevel", small("DEC", `{"type":"Sequence","decoders":[{"type":"ByteLevel"},{"type":"ByteLevel"}]}`)},
		{"decoder", "Replace after Fuse", small("DEC", `{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"a"},"content":"b"}]}`)},
		{"decoder", "Strip other than of the text's start", small("DEC", `{"type":"Strip","content":" ","start":1,"stop":0}`)},
		{"pre_tokenizer", "UnicodeScripts", small("PRE", `{"type":"UnicodeScripts"}`)},
		{"pre_tokenizer", "Metaspace prepend_scheme last", small("PRE", `{"type":"Metaspace","replacement":"_","prepend_scheme":"last"}`)},
		{"decoder", "Metaspace after ByteFallback", small("DEC", `{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Metaspace","replacement":"_"}]}`)},
		{"post_processor", "Sequence of two templates", small("POST", `{"type":"Sequence","processors":[{"type":"BertProcessing","sep":["a",0],"cls":["b",1]},{"type":"BertProcessing","sep":["a",0],"cls":["b",1]}]}`)},
		{"pre_tokenizer", "Split behavior Deleted", small("PRE", strings.Replace(split("a"), "Isolated", "Deleted", 1))},
		{"post_processor", "template other than one sequence A", small("POST", template(two, `[0]`))},
		{"decoder", "WordPiece", small("DEC", `{"type":"WordPiece"}`)},
		{"model", "Unigram", strings.Replace(small(), "BPE", "Unigram", 1)},
		{"model", "dropout", strings.Replace(small(), `"dropout":null`, `"dropout":0.1`, 1)},
		{"model", "end_of_word_suffix", strings.Replace(small(), `"end_of_word_suffix":null`, `"end_of_word_suffix":"</w>"`, 1)},
		{"version", `"2.0"`, strings.Replace(small(), `"1.0"`, `"2.0"`, 1)},
		{"pattern", `(?<x`, small("PRE", split(`(?<x>a)`))},
		{"pattern", `\1`, small("PRE", split(`(a)\1`))},
		{"pattern", `\X`, small("PRE", split(`\X`))},
		{"pattern", `[:alpha:] inside [`, small("PRE", split(`[[:alpha:]]`))},
		{"pattern", `&& inside [`, small("PRE", split(`[a&&b]`))},
		{"pattern", `\W inside [`, small("PRE", split(`[\W]`))},
		{"pattern", `(?i) inside a pattern`, small("PRE", split(`a(?i)b|c`))},
		{"pattern", `(?i) with ss`, small("PRE", split(`(?i:ss)`))},
		{"pattern", `(?i) with st`, small("PRE", split(`(?i:ST)`))},
		{"pattern", `(?i) with é`, small("PRE", split(`(?i:é)`))},
		{"pattern", `(?i) with \p`, small("PRE", split(`(?i:\p{Lu})`))},
		{"pattern", `{2}+`, small("PRE", split(`a{2}+`))},
		{"pattern", `{2}?`, small("PRE", split(`a{2}?`))},
		{"pattern", `\p{^L}`, small("PRE", split(`\p{^L}`))},
		{"pattern", `\p{Alnum}`, small("PRE", split(`\p{Alnum}`))},
		{"pattern", `\xe9`, small("PRE", split(`\xe9`))},
	} {
		t.Run(c.component+" "+c.kind, func(t *testing.T) {
			_, err := Parse([]byte(c.file))
			want := fmt.Sprintf(": %q is not supported", c.kind)
			place, _, found := strings.Cut(fmt.Sprint(err), want)
			if !errors.Is(err, ErrUnsupported) || !found || !strings.Contains(place, c.component) {
				t.Errorf("error %v, want %s %q unsupported", err, c.component, c.kind)
			}
		})
	}
}

// Claims of size are refused before they cost memory.
func TestParseLimits(t *testing.T) {
	if _, err := Parse(make([]byte, MaxFileSize+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("big file: %v", err)
	}
	var b strings.Builder
	b.WriteString(`{"a":0`)
	for i := range MaxVocab + 10 {
		fmt.Fprintf(&b, `,"t%x":%d`, i, i&0xFFFF)
	}
	b.WriteString(`}`)
	if _, err := Parse([]byte(small("VOCAB", b.String()))); !errors.Is(err, ErrTooLarge) || !errors.Is(err, ErrFile) {
		t.Errorf("big vocabulary: %v", err)
	}
	merges := `["` + strings.Repeat(`a b","`, maxMerges) + `a b"]`
	if _, err := Parse([]byte(small("MERGES", merges))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("many merges: %v", err)
	}
}
