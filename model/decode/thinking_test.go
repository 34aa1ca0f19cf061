package decode

import (
	"encoding/json"
	"slices"
	"testing"

	"muninn/model/internal/golden"
	"muninn/model/tokenizer"
)

// Tokens from <think> to </think> are thinking, the marks too, and a prompt may have opened it.
func TestThoughts(t *testing.T) {
	parse := func(name string) *tokenizer.Tokenizer {
		var raw json.RawMessage
		golden.JSON(t, &raw, "tokenizer", "family", name+".tokenizer.json.gz")
		tok, err := tokenizer.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	ouro, hrm := parse("ouro"), parse("hrm")
	for _, c := range []struct {
		tok            *tokenizer.Tokenizer
		prompt, answer []int32
		want           []bool
	}{
		{ouro, nil, []int32{9, 3, 9, 4, 9}, []bool{false, true, true, true, false}},
		{ouro, []int32{1, 3, 9}, []int32{9, -1, 4, 9, 4}, []bool{true, true, true, false, false}},
		{ouro, []int32{3, 4, 9}, []int32{9}, []bool{false}},
		{hrm, []int32{3}, []int32{3, 9, 4}, []bool{false, false, false}},
		{nil, []int32{3}, []int32{3, 9, 4}, []bool{false, false, false}},
	} {
		th, have := newThoughts(c.tok, c.prompt), []bool{}
		for _, id := range c.answer {
			have = append(have, th.next(id))
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%v after %v: %v, want %v", c.answer, c.prompt, have, c.want)
		}
	}
}
