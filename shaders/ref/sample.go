package ref

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// slack is how far float32 sums over a vocabulary may move an edge of top-p or a token's interval, as a share of the whole.
const slack = 1e-5

// drawable tells whether a token may come out in float32 with so many kept: the filters leave as many with their edges
// moved by at most the slack, and u lies as near to the token's share of the running sum.
func drawable(w []float64, order []int, f plain.Filters, u float64, token, kept int) bool {
	low, high := f, f
	if f.TopP > 0 && f.TopP < 1 {
		low.TopP, high.TopP = f.TopP*(1-slack), f.TopP*(1+slack)
	}
	low.MinP, high.MinP = f.MinP*(1+slack), f.MinP*(1-slack)
	if kept < low.Kept(w, order) || kept > high.Kept(w, order) || !slices.Contains(order[:kept], token) {
		return false
	}
	var total, before float64
	for _, t := range order[:kept] {
		total += w[t]
		if t < token {
			before += w[t]
		}
	}
	return w[token] > 0 && u >= before/total-slack && u <= (before+w[token])/total+slack
}

func sampleCases() []Case {
	c := Case{Op: "sample", Name: "vocab=", Why: "the token drawn, or its neighbour where u lies within 1e-5 of the edge between them"}
	return each(c, vocabularies, sampleTrial)
}

// filterTable are the filters alone and together.
func filterTable() []shaders.Filter {
	return []shaders.Filter{
		{},
		{TopK: 1}, {TopK: 3}, {TopK: 40}, {TopK: 100000},
		{TopP: 1e-6}, {TopP: 0.3}, {TopP: 0.5}, {TopP: 0.95}, {TopP: 1},
		{MinP: 0.02}, {MinP: 0.5}, {MinP: 1},
		{TopK: 20, TopP: 0.6}, {TopP: 0.9, MinP: 0.1}, {TopK: 50, MinP: 0.05}, {TopK: 30, TopP: 0.8, MinP: 0.03},
	}
}

// sampleLogits are multiples of 1/64, so that equal values are common and different ones stay apart in float32.
func sampleLogits(kind, vocab int) []float32 {
	rnd := rand.New(rand.NewPCG(seed("sample", fmt.Sprint(kind, vocab)), 1))
	x := make([]float32, vocab)
	for i := range x {
		switch kind {
		case 0: // spread out
			x[i] = float32(rnd.IntN(16*64)) / 64
		case 1: // few values, many ties
			x[i] = float32(rnd.IntN(3))
		case 2: // all equal but the last
			if x[i] = -5; i == vocab-1 {
				x[i] = -6
			}
		case 3: // one stands out
			x[i] = float32(rnd.IntN(64)) / 64
			if i == vocab*2/3 {
				x[i] = 12
			}
		case 4: // tokens that cannot be, as forbidden ones
			x[i] = float32(rnd.IntN(8*64)) / 64
			if i%3 == 1 {
				x[i] = float32(math.Inf(-1))
			}
		}
	}
	return x
}

const sampleKinds = 5

// drawn is a row of a case: which logits, and the filter.
type drawn struct {
	logits []float32
	filter shaders.Filter
}

// everyU is the vocabulary that all filters are tried on with every u: more tokens than invocations, and a run that ends
// short. A row takes hundreds of barriers, milliseconds on some drivers, so the others have one u a filter.
const everyU = 257

// draws pair kinds of logits, filters and places in (0, 1).
func draws(vocab int) []drawn {
	us := []float32{0x1p-25, 0.1, 0.3333, 0.5, 0.75, 0.9, 1 - 0x1p-24}
	temperatures := []float32{1, 1 / 0.7, 0.5}
	var list []drawn
	for kind := range sampleKinds {
		logits := sampleLogits(kind, vocab)
		for i, f := range filterTable() {
			for j, u := range us {
				if vocab != everyU && j != (i+kind)%len(us) || vocab > 2000 && (i+kind)%5 > 0 {
					continue
				}
				f.InverseTemperature = temperatures[(i+j)%len(temperatures)]
				f.U, f.Enabled = u, 1
				list = append(list, drawn{logits, f})
			}
		}
	}
	return append(list, drawn{sampleLogits(0, vocab), shaders.Filter{TopK: 2, U: 0.5}}) // not enabled: stays as argmax left it
}

func sampleTrial(t *trial, vocab int) {
	list := draws(vocab)
	var values []float32
	var table []shaders.Filter
	for _, d := range list {
		values, table = append(values, d.logits...), append(table, d.filter)
	}
	logits, filters := t.input("logits", values, vocab), t.buffer("filters", packed(table, shaders.FilterBytes), false)
	given := givenTokens(len(list), vocab)
	tokens, choices := t.words("given", given), t.blank("choices", len(list)*shaders.ChoiceBytes)
	scratch, zero := t.picking(len(list), vocab)
	t.check(func(r *shaders.Recorder) {
		r.Argmax(choices.data, logits.Tensor, tokens, scratch)
		r.Sample(choices.data, logits.Tensor, filters.data, scratch, true)
	}, func(v *verdict) {
		zero(v)
		for i, d := range list {
			v.draw(i, d, int(given[i]), choiceAt(choices, i))
		}
	})
}

// draw compares one choice with the definition; what Argmax found of the given token must still be there.
func (v *verdict) draw(row int, d drawn, given int, got shaders.Choice) {
	want := argmax(d.logits, given)
	if d.filter.Enabled == 0 || want.Token == shaders.NoToken {
		v.choice(row, got, want)
		return
	}
	if int(got.Token) >= len(d.logits) {
		v.fail("row %d: token %d of %d", row, got.Token, len(d.logits))
		return
	}
	f, u := plain.Filters{TopK: int(d.filter.TopK), TopP: float64(d.filter.TopP), MinP: float64(d.filter.MinP)}, float64(d.filter.U)
	w, order := plain.Weights(d.logits, float64(d.filter.InverseTemperature))
	kept, only := f.Kept(w, order), slices.Clone(w)
	for _, token := range order[kept:] {
		only[token] = 0
	}
	token := plain.Draw(only, u)
	if (int(got.Token) != token || int(got.Kept) != kept) && !drawable(w, order, f, u, int(got.Token), int(got.Kept)) {
		v.fail("row %d, %+v: token %d of %d kept, want %d of %d", row, d.filter, got.Token, got.Kept, token, kept)
		return
	}
	want.Token, want.Kept = got.Token, got.Kept
	want.Logit = d.logits[got.Token]
	want.LogProb = float32(float64(want.Logit) - float64(want.Top) - float64(want.LSE))
	v.choice(row, got, want)
}
