package arch

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGenerationConfig(t *testing.T) {
	got, notes := ParseGeneration([]byte(`{"do_sample":true,"temperature":0.5,"top_k":5,"top_p":0.9,"min_p":0.05,
		"repetition_penalty":1.2,"eos_token_id":7,"pad_token_id":null,"dry_multiplier":0.8,"dry_base":2,"dry_allowed_length":3}`), 10)
	want := Generation{DoSample: true, Temperature: 0.5, TopK: 5, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.2,
		DRYMultiplier: 0.8, DRYBase: 2, DRYAllowedLength: 3, BOS: -1, EOS: []int{7}, Pad: -1}
	if notes != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", notes, cmp.Diff(want, got))
	}
	empty, notes := ParseGeneration([]byte(`{}`), 10)
	if notes != nil || empty.DoSample || empty.Temperature != 1 || empty.TopK != 50 || empty.EOS != nil {
		t.Errorf("empty file: %+v, %v", empty, notes)
	}
	if d := Huginn.Generation(65536); !slices.Equal(d.EOS, []int{65505, 65508}) || d.BOS != 65504 || d.Pad != 65509 {
		t.Errorf("without a file: %+v", d)
	}
}

// A file of samplings that somebody wrote by hand, or that another program's special values are in, leaves the model usable.
func TestGenerationConfigPassesOver(t *testing.T) {
	plain, _ := ParseGeneration([]byte(`{}`), 32)
	with := func(change func(*Generation)) Generation {
		g := plain
		change(&g)
		return g
	}
	for text, c := range map[string]struct {
		want Generation
		note string
	}{
		`{"top_k":-1}`:                          {with(func(g *Generation) { g.TopK = 0 }), ""},
		`{"top_k":20.0}`:                        {with(func(g *Generation) { g.TopK = 20 }), ""},
		`{"top_k":20.5}`:                        {plain, "top_k is 20.5, want a whole number"},
		`{"top_k":-2}`:                          {plain, "top_k is -2, want"},
		`{"top_k":"all"}`:                       {plain, `top_k is "all", want`},
		`{"repetition_penalty":0,"top_p":0.5}`:  {with(func(g *Generation) { g.TopP = 0.5 }), "repetition_penalty is 0, want"},
		`{"temperature":"hot"}`:                 {plain, `temperature is "hot", want a number`},
		`{"temperature":-1}`:                    {plain, "temperature is -1, want a number"},
		`{"temperature":NaN}`:                   {plain, `temperature is "NaN", want a number`},
		`{"max_time":Infinity}`:                 {plain, ""},
		`{"a":[-Infinity,"NaN and \"NaN"]}`:     {plain, ""},
		`{"top_p":1.5}`:                         {plain, "top_p is 1.5, want a number from 0 to 1"},
		`{"eos_token_id":-1}`:                   {plain, "eos_token_id is -1, want"},
		`{"eos_token_id":[2,32,3.0]}`:           {with(func(g *Generation) { g.EOS = []int{2, 3} }), "eos_token_id is [2,32,3.0], want"},
		`{"eos_token_id":[[2]]}`:                {plain, "eos_token_id is [[2]], want"},
		`{"eos_token_id":[3,null]}`:             {with(func(g *Generation) { g.EOS = []int{3} }), "eos_token_id is [3,null], want"},
		`{"bos_token_id":[4]}`:                  {with(func(g *Generation) { g.BOS = 4 }), ""},
		`{"bos_token_id":[4,5]}`:                {with(func(g *Generation) { g.BOS = 4 }), "bos_token_id is a list; its first token, 4, is taken"},
		`{"bos_token_id":65504}`:                {plain, "bos_token_id is 65504, want a whole number from 0 to 31"},
		`{"bos_token_id":-1,"pad_token_id":-1}`: {plain, ""},
		`temperature = 1`:                       {plain, "not valid JSON: line 1"},
		"{\n\"top_k\": 1,\n}":                   {plain, "not valid JSON: line 3"},
		`{"top_k":1,"top_k":2}`:                 {plain, `duplicate key "top_k"`},
	} {
		got, notes := ParseGeneration([]byte(text), 32)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if all := strings.Join(notes, "\n"); (c.note == "") != (notes == nil) || !strings.Contains(all, c.note) ||
			notes != nil && !strings.HasPrefix(all, "generation_config.json: ") {
			t.Errorf("%s: notes %q, want %q", text, notes, c.note)
		}
	}
}
