package score

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/store"
)

// reader reads for the demo model.
func reader(t *testing.T) Reader {
	t.Helper()
	ck, err := store.Open(store.DemoName)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	text, err := ck.Text()
	if err != nil {
		t.Fatal(err)
	}
	return Reader{Name: "items.jsonl", Text: text}
}

// Every form of an item, with blank lines, an order mark and fields that nobody reads.
func TestRead(t *testing.T) {
	r := reader(t)
	items, err := r.Read(strings.NewReader("\uFEFF" + `{"text":"k=d;d=a;a=3;k?", "more":{"a":1}}

{"id":"x","tokens":[1,2,3]}
{"context":"k=d;d=a;a=3;k? ","continuation":"3;"}
{"context":"k=d;k?","choices":["1;","  12;"],"gold":1}
{"context":[4,5],"choices":[[6],[7,8]]}
{"continuation":"3;"}
{"doc_id":0,"target":"1","arguments":[["k=d;k?","1;"],["k=d;k?"," 12;"]],"resps":[]}
{"doc_id":1,"target":0,"arguments":{"gen_args_1":{"arg_0":"k=d;k?","arg_1":"12;"},"gen_args_0":{"arg_0":"k=d;k?","arg_1":"1;"}}}
{"doc_id":2,"target":"x","arguments":[["k=d;k?","1;"]]}
`))
	if err != nil || len(items) != 9 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	whole, _ := r.encode("k=d;d=a;a=3;k? 3;")
	alone, _ := r.encode("k=d;d=a;a=3;k?")
	for i, want := range []struct {
		kind       Kind
		line, from int
		bytes      []int
		lengths    []int
	}{
		{Text, 1, 1, []int{14}, []int{0}},
		{Text, 3, 1, []int{len(r.Text.Tokenizer.Bytes(2)) + len(r.Text.Tokenizer.Bytes(3))}, []int{0}},
		{Continuation, 4, len(alone), []int{2}, []int{2}},
		{Choice, 5, 0, []int{2, 5}, []int{2, 3}},
		{Choice, 6, 2, []int{len(r.Text.Tokenizer.Bytes(6)), len(r.Text.Tokenizer.Bytes(7)) + len(r.Text.Tokenizer.Bytes(8))}, []int{1, 2}},
		{Continuation, 7, 1, []int{2}, []int{2}},
		{Choice, 8, 0, []int{2, 4}, []int{2, 3}},
		{Choice, 9, 0, []int{2, 3}, []int{2, 3}},
		{Continuation, 10, 0, []int{2}, []int{2}},
	} {
		item := items[i]
		if item.Kind != want.kind || item.Line != want.line || len(item.Parts) != len(want.bytes) || want.from > 0 && item.Parts[0].From != want.from {
			t.Errorf("item %d: %+v", i, item)
			continue
		}
		for k, p := range item.Parts {
			if p.Bytes != want.bytes[k] || p.Length != want.lengths[k] {
				t.Errorf("item %d, part %d: %+v, want %d bytes, length %d", i, k, p, want.bytes[k], want.lengths[k])
			}
		}
	}
	if !slices.Equal(items[2].Parts[0].Tokens, whole) || string(items[1].ID) != `"x"` || items[3].Gold != 1 || items[4].Gold != -1 || items[6].Gold != 1 || items[7].Gold != 0 {
		t.Errorf("%+v", items)
	}
}

// What is wrong with a file says so by its line.
func TestReadRefuses(t *testing.T) {
	r := reader(t)
	for text, want := range map[string]string{
		"":                                   "has no lines",
		"\n{":                                "items.jsonl:2: not a JSON object",
		`[1]`:                                "items.jsonl:1: not a JSON object",
		`{"id":1}`:                           "want one of",
		`{"text":"a;","tokens":[1,2]}`:       "want one of",
		`{"tokens":[1]}`:                     "this one has 1",
		`{"tokens":[1,-2]}`:                  "token 1 is -2",
		`{"tokens":[1,1000000000]}`:          "token 1 is 1000000000",
		`{"context":"a","continuation":""}`:  "no tokens of its own",
		`{"context":[1],"continuation":[]}`:  "no tokens of its own",
		`{"context":[1],"continuation":"a"}`: "want both alike",
		`{"context":"k","choices":[1]}`:      "choice 0: continuation is neither",
		`{"context":"k","choices":[]}`:       "choices is empty",
		`{"arguments":[["a",{"until":[]}]]}`: "arguments 0: continuation is neither",
		`{"arguments":{"gen_args_1":{}}}`:    "no gen_args_0",
		`{"text":5}`:                         "text is a JSON number: want a string",
		`{"tokens":["a"]}`:                   "tokens is a JSON string: want a list of token ids",
		`{"context":"k","choices":["a"],"gold":"a"}`: "gold is a JSON string: want the number of a choice, counted from 0",
		`{"arguments":[["a"]]}`:                      "want a context and",
		`{"context":"k","choices":["a"],"gold":1}`:   "gold is 1 of 1",
	} {
		_, err := r.Read(strings.NewReader(text))
		if !errors.Is(err, ErrItems) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
}

// Windows score each token but the first once, with all that the context holds before it.
func TestWindows(t *testing.T) {
	tokens := make([]int32, 23)
	for i := range tokens {
		tokens[i] = int32(i)
	}
	item := Item{File: "f", Line: 3, Parts: []Part{{Tokens: tokens, From: 1}}}
	for _, c := range [][2]int{{22, 0}, {8, 0}, {8, 3}, {8, 100}, {1, 0}} {
		parts, of, err := item.Windows(c[0], c[1])
		if err != nil || len(of) != len(parts) {
			t.Fatal(err)
		}
		next := int32(1)
		for i, p := range parts {
			if len(p.Tokens) > c[0]+1 || i > 0 && i < len(parts)-1 && len(p.Tokens) != c[0]+1 || p.Tokens[p.From] != next {
				t.Errorf("%v, window %d: %+v, next is %d", c, i, p, next)
			}
			next = p.Tokens[len(p.Tokens)-1] + 1
		}
		if next != 23 {
			t.Errorf("%v: tokens up to %d are scored", c, next)
		}
	}
	for _, kind := range []Kind{Choice, Continuation} {
		item.Kind = kind
		if _, _, err := item.Windows(21, 0); !errors.Is(err, decode.ErrContextFull) || !strings.Contains(err.Error(), "f:3: ") {
			t.Errorf("%v", err)
		}
	}
}

// Parts that begin alike wait for the first of them, others do not.
func TestQueue(t *testing.T) {
	long := func(last ...int32) Part {
		return Part{Tokens: append(slices.Repeat([]int32{9}, 40), last...), From: 40}
	}
	q := newQueue([]Part{long(1), {Tokens: []int32{1, 2}, From: 1}, long(2), {Tokens: []int32{1, 3}, From: 1}, long(3)}, 10, true)
	take := func() (list []int) {
		for {
			at, ok := q.next()
			if !ok {
				return list
			}
			list = append(list, q.order[at])
		}
	}
	if first := take(); !slices.Equal(first, []int{1, 3, 0}) {
		t.Errorf("%v first", first)
	}
	q.state[slices.Index(q.order, 0)] = partDone
	if then := take(); !slices.Equal(then, []int{2, 4}) {
		t.Errorf("then %v", then)
	}
}

// Sums, means and what is likeliest by length.
func TestSummary(t *testing.T) {
	s := Summary{Steps: 4}
	s.Add(Item{Parts: []Part{{Bytes: 6}}}, []int{0, 0}, []Result{{LogLikelihood: -3, Tokens: 2, Read: 5, CoreSteps: 12, Held: 2}, {LogLikelihood: -1, Tokens: 2, Read: 3, CoreSteps: 12}})
	choice := Item{Kind: Choice, Gold: 1, Parts: []Part{{Length: 2}, {Length: 8}}}
	line := s.Add(choice, []int{0, 1}, []Result{{LogLikelihood: -3, Greedy: true}, {LogLikelihood: -4}})
	if *line.Best != 0 || *line.Normed != 1 || !line.Choices[0].Greedy || line.Choices[1].Greedy {
		t.Errorf("%+v", line)
	}
	s.Add(choice, []int{0, 1}, []Result{{LogLikelihood: -5}, {LogLikelihood: -4}})
	s.Add(Item{Kind: Continuation, Parts: []Part{{}}}, []int{0}, []Result{{Greedy: true}})
	s.Close()
	if *s.Perplexity != math.E || math.Abs(*s.BitsPerByte-4/(6*math.Ln2)) > 1e-12 || *s.Accuracy != 0.5 || *s.Normed != 1 || s.Greedy != 1 ||
		s.StepsPerToken != 4 || *s.AccuracyError != 0.5 {
		t.Errorf("%+v", s)
	}
}
