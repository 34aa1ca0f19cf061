package ref

import (
	"math"
	"slices"

	"muninn/shaders"
	"muninn/vk"
)

// argmax is the first token with the largest logit, with the distance to the second largest and the logarithm of the sum
// of exp(logit - largest), and the distance to the logit of a given token. The token is NoToken when a logit is NaN, none is
// above negative infinity, or all of several are equal.
func argmax(logits []float32, given int) shaders.Choice {
	c := shaders.Choice{Token: shaders.NoToken, Kept: 1}
	order, last := slices.Sorted(slices.Values(logits)), len(logits)-1 // NaN first
	least, top, second := order[0], order[last], float32(-math.MaxFloat32)
	if least != least || math.IsInf(float64(top), -1) || last > 0 && least == top {
		return c
	}
	if last > 0 {
		second = max(second, order[last-1])
	}
	c.Token, c.Logit, c.Top = uint32(slices.Index(logits, top)), top, top
	c.Below = top - logits[min(given, last)]
	if second != top { // which may be infinite
		c.Margin = float32(float64(top) - float64(second))
	}
	var sum float64
	for _, l := range logits {
		if l == top { // apart, so that infinite logits do not meet as Inf - Inf
			sum++
		} else {
			sum += math.Exp(float64(l) - float64(top))
		}
	}
	c.LSE = float32(math.Log(sum))
	c.LogProb = -c.LSE
	return c
}

func argmaxCases() []Case {
	return each(Case{Op: "argmax", Name: "vocab=", Why: "comparisons of given numbers; the logarithm of the sum is good to 1e-5"}, vocabularies, argmaxTrial)
}

// vocabularies around a workgroup of 256 and its chunk, and Huginn's.
var vocabularies = []int{1, 2, 255, 256, 257, 1003, 4099, 65536}

// hardLogits make rows of logits hard on a search: ordinary, equal largest ones at several places, all equal, the largest first or
// last, infinities and NaN.
func hardLogits(vocab int) []func(x []float32) {
	fill := func(x []float32, v float32) { copy(x, slices.Repeat([]float32{v}, len(x))) }
	last, inf := vocab-1, float32(math.Inf(1))
	return []func(x []float32){
		func([]float32) {},
		func(x []float32) { x[last/3], x[last/2], x[last] = 21, 21, 21 },
		func(x []float32) { clear(x) },
		func(x []float32) { x[0] = 30 },
		func(x []float32) { x[last] = 30 },
		func(x []float32) {
			for i := range x {
				x[i] -= 1000
			}
		},
		func(x []float32) {
			top := x[last/2]
			fill(x, -inf)
			x[last/2] = top
		},
		func(x []float32) { fill(x, -math.MaxFloat32) },
		func(x []float32) { x[last/2] = float32(math.NaN()) },
		func(x []float32) { x[last/2], x[last] = inf, inf },
		func(x []float32) { x[last/3] = inf },
		func(x []float32) { fill(x, -inf) },
	}
}

func argmaxTrial(t *trial, vocab int) {
	edits := hardLogits(vocab)
	values := t.values("logits", uniform, len(edits), vocab)
	for i := range values {
		values[i] *= 20
	}
	for i, edit := range edits {
		edit(values[i*vocab:][:vocab])
	}
	logits, given := t.input("logits", values, vocab), givenTokens(len(edits), vocab)
	tokens, choices := t.words("given", given), t.blank("choices", len(edits)*shaders.ChoiceBytes)
	scratch, zero := t.picking(len(edits), vocab)
	t.check(func(r *shaders.Recorder) { r.Argmax(choices.data, logits.Tensor, tokens, scratch) }, zero, func(v *verdict) {
		for i := range edits {
			v.choice(i, choiceAt(choices, i), argmax(values[i*vocab:][:vocab], int(given[i])))
		}
	})
}

// picking is a scratch for so many rows of a vocabulary, and what it must be again after a run.
func (t *trial) picking(rows, vocab int) (shaders.PickScratch, func(*verdict)) {
	var list []*operand
	scratch := shaders.NewPickScratch(rows, vocab, func(bytes uint64) vk.Span {
		list = append(list, t.buffer("scratch", make([]byte, bytes), true))
		return list[len(list)-1].data
	})
	return scratch, func(v *verdict) {
		v.zero(list[0]) // Arrived
		v.zero(list[2]) // Bins
	}
}

// choiceAt is entry i of a buffer of choices.
func choiceAt(o *operand, i int) shaders.Choice {
	return shaders.DecodeChoice(o.values()[i*shaders.ChoiceBytes:])
}

// givenTokens are spread over the vocabulary, with both ends and one beyond it: rows for which nothing is given may hold any
// number, and must not make the kernel read elsewhere.
func givenTokens(n, vocab int) []uint32 {
	tokens := make([]uint32, n)
	for i := range tokens {
		switch i % 4 {
		case 0:
			tokens[i] = uint32(vocab - 1)
		case 1:
			tokens[i] = uint32(i * 7919 % vocab)
		case 3:
			tokens[i] = shaders.NoToken
		}
	}
	return tokens
}

// choice compares a choice; of a row without a token nothing but that is promised.
func (v *verdict) choice(row int, got, want shaders.Choice) {
	near := func(a, b float32) bool {
		return a == b || math.Abs(float64(a)-float64(b)) <= 1e-5*max(1, math.Abs(float64(b)))
	}
	same := got.Token == want.Token
	if same && want.Token != shaders.NoToken {
		unknown := math.IsNaN(float64(want.Below)) // infinity less infinity
		same = got.Logit == want.Logit && got.Top == want.Top && got.Kept == want.Kept && (unknown || near(got.Below, want.Below)) &&
			near(got.Margin, want.Margin) && near(got.LSE, want.LSE) && near(got.LogProb, want.LogProb)
	}
	if !same {
		v.fail("row %d: %+v, want %+v", row, got, want)
	}
}
