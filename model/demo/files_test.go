package demo_test

import (
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/demo"
	"muninn/model/tokenizer"
)

// The embedded files are a checkpoint as any other, and its tokenizer has a token for every definition, question and value.
func TestFiles(t *testing.T) {
	ck, err := checkpoint.OpenFS(demo.Files)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	if c := ck.Config; c.NEmbd != 128 || c.NLayersInRecurrentBlock != 2 || c.BlockSize != 256 {
		t.Errorf("config %v, context %d", c, c.BlockSize)
	}
	data, err := ck.TokenizerJSON()
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	rng := demo.Rand(5)
	for hops := range demo.MaxHops + 1 {
		p := draw(t, rng, hops)
		ids, err := tok.Encode(p.Text(), tokenizer.EncodeOptions{})
		if err != nil || len(ids) != len(p.Definitions)+1 {
			t.Errorf("%q has %d tokens, want one for each definition and the question (%v)", p.Text(), len(ids), err)
		}
		value, err := tok.Encode(p.At(demo.MaxHops+1), tokenizer.EncodeOptions{})
		if err != nil || len(value) != 1 {
			t.Errorf("value %q has %d tokens (%v)", p.At(demo.MaxHops+1), len(value), err)
		}
	}
}
