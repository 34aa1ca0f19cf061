package ref

import (
	"math"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// likely is what TopK gives of a row.
func likely(logits []float32, chosen, given, k int) shaders.Likely {
	top, lse := plain.LogSum(logits)
	of := func(token int) float32 { return float32(plain.LogProb(logits[token], top, lse)) }
	l := shaders.Likely{Chosen: of(chosen), Given: of(min(given, len(logits)-1))}
	for _, token := range plain.Likeliest(logits, min(k, shaders.MostLikely)) {
		l.Top = append(l.Top, shaders.LikelyToken{Token: uint32(token), LogProb: of(token)})
	}
	return l
}

func topkCases() []Case {
	return each(Case{Op: "topk", Name: "vocab=", Why: "comparisons of given numbers; the logarithm of the sum is good to 1e-5"}, vocabularies, topkTrial)
}

// counts of entries wanted, 20 being the most.
var counts = []uint32{20, 0, 1, 5, 19, 21}

// topkTrial also has rows of few values, with ties within a lane and across lanes. Every fifth row's chosen token is not its largest.
func topkTrial(t *trial, vocab int) {
	edits := append(hardLogits(vocab), func(x []float32) { copy(x, sampleLogits(1, vocab)) }, func(x []float32) { copy(x, sampleLogits(4, vocab)) })
	// All the likeliest in one lane, best last: more candidates than there is room for, several times over.
	edits = append(edits, func(x []float32) {
		for j := range x {
			if j/4%32 == 5 {
				x[j] = 100 + float32(j)/16
			}
		}
	})
	n := len(edits)
	values := t.values("logits", uniform, n, vocab)
	given, wanted, list := givenTokens(n, vocab), make([]uint32, n), make([]shaders.Choice, n)
	for i, edit := range edits {
		x := values[i*vocab:][:vocab]
		for j := range x {
			x[j] *= 20
		}
		edit(x)
		wanted[i], list[i] = counts[i%len(counts)], argmax(x, 0)
		if i%5 == 0 && list[i].Token != shaders.NoToken {
			list[i].Token = uint32(i * 31 % vocab)
		}
	}
	logits, tokens := t.input("logits", values, vocab), t.words("given", given)
	choices, most, got := t.buffer("choices", packed(list, shaders.ChoiceBytes), false), t.words("wanted", wanted), t.blank("likely", n*shaders.LikelyBytes)
	scratch, zero := t.picking(n, vocab)
	t.check(func(r *shaders.Recorder) { r.TopK(got.data, choices.data, logits.Tensor, tokens, most, scratch) }, zero, func(v *verdict) {
		for i, c := range list {
			if c.Token != shaders.NoToken {
				v.likely(i, shaders.DecodeLikely(got.values()[i*shaders.LikelyBytes:]), likely(values[i*vocab:][:vocab], int(c.Token), int(given[i]), int(wanted[i])), c.Token)
			}
		}
	})
}

// likely compares entries; that of the token chosen is the float of the token itself.
func (v *verdict) likely(row int, got, want shaders.Likely, chosen uint32) {
	near := func(a, b float32) bool {
		return a == b || math.Abs(float64(a)-float64(b)) <= 1e-5*max(1, math.Abs(float64(b)))
	}
	same := near(got.Chosen, want.Chosen) && near(got.Given, want.Given) && len(got.Top) == len(want.Top)
	for i := 0; same && i < len(want.Top); i++ {
		g, w := got.Top[i], want.Top[i]
		same = g.Token == w.Token && near(g.LogProb, w.LogProb) && (g.Token != chosen || g.LogProb == got.Chosen)
	}
	if !same {
		v.fail("row %d: %+v, want %+v", row, got, want)
	}
}
