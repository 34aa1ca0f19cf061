package engine_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A page that two texts share in part is copied before the second writes to it, keys, values and depths: its tokens see what it shares and what it
// wrote, the first text what it had. The first ends inside the page, so that behind it the page holds nothing and says so.
func TestPagesAreCopiedBeforeWrites(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		o := engine.SessionOptions{Sequences: 2, Context: 100, MaxSteps: 2, KV: shaders.KVQ8}
		alone := session(t, m, o)
		o.Positions = 300
		paged := session(t, m, o)
		begins := randomTokens(m, shaders.PagePositions+9, 1)
		for i, more := range []int{0, 5, 3, 7} { // the last two begin like the first again
			req := decode.Request{Prompt: append(slices.Clone(begins), randomTokens(m, more, uint64(i+2))...), Steps: 2, MaxTokens: 4, Top: 4, Pick: decode.Filters{Greedy: true}}
			if i == 0 {
				req.MaxTokens = 1
			}
			want, _ := likelyTokens(t, alone, req)
			got, held := likelyTokens(t, paged, req)
			if i > 0 && held != len(begins) {
				t.Fatalf("text %d holds %d tokens, want %d", i, held, len(begins))
			}
			for k, token := range got {
				for j, top := range token.Top {
					if off := math.Abs(float64(top.LogProb - want[k].Top[j].LogProb)); !(off <= 1e-3) {
						t.Errorf("text %d, token %d: log probability %d is %g behind a copied page, %g alone", i, k, j, top.LogProb, want[k].Top[j].LogProb)
					}
				}
			}
			if len(got) != req.MaxTokens {
				t.Errorf("text %d: %d tokens", i, len(got))
			}
		}
	})
}

// likelyTokens runs a request in a batch of its own and returns its tokens with the likeliest of each place, and how many it held.
func likelyTokens(t *testing.T, s *engine.Session, req decode.Request) (tokens []decode.Token, held int) {
	t.Helper()
	b := engine.NewBatch(s)
	_, err := b.Add(req, decode.Sequence{}, func(c decode.Token) error { tokens = append(tokens, c); return nil }, func(out decode.Outcome, err error) {
		if held = out.Held; err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = b.Run(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return tokens, held
}
