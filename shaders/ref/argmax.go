package ref

import (
	"fmt"
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
)

// Argmax is the first token with the largest logit, with the distance to the second largest and the logarithm of the sum
// of exp(logit - largest), and the distance to the logit of a given token. The token is NoToken when a logit is NaN, none is
// above negative infinity, or all of several are equal.
func Argmax(logits []float32, given int) shaders.Choice {
	c := shaders.Choice{Token: shaders.NoToken, Top: -math.MaxFloat32, Kept: 1}
	second := float64(-math.MaxFloat32)
	for i, l := range logits {
		if math.IsNaN(float64(l)) {
			c.Token = shaders.NoToken
			return c
		}
		switch {
		case l > c.Top || c.Token == shaders.NoToken && l == c.Top:
			if c.Token != shaders.NoToken {
				second = float64(c.Top)
			}
			c.Token, c.Top = uint32(i), l
		case float64(l) > second:
			second = float64(l)
		}
	}
	var sum float64
	equal := len(logits) > 1
	for _, l := range logits {
		if l == c.Top { // apart, so that infinite logits do not meet as Inf - Inf
			sum++
			continue
		}
		equal = false
		sum += math.Exp(float64(l) - float64(c.Top))
	}
	if equal {
		c.Token = shaders.NoToken
	}
	c.Logit = c.Top
	c.Below = c.Top - logits[min(given, len(logits)-1)]
	if second != float64(c.Top) {
		c.Margin = float32(float64(c.Top) - second)
	}
	c.LSE = float32(math.Log(sum))
	c.LogProb = -c.LSE
	return c
}

func argmaxCases() []Case {
	var list []Case
	for _, vocab := range vocabularies {
		list = append(list, Case{Op: "argmax", Name: fmt.Sprintf("vocab=%d", vocab),
			Why: "comparisons of given numbers; the logarithm of the sum is good to 1e-5", run: func(t *trial) { argmaxTrial(t, vocab) }})
	}
	return list
}

// vocabularies around a workgroup of 256, and Huginn's.
var vocabularies = []int{1, 2, 255, 256, 257, 1003, 65536}

// logitRows are rows of logits that are hard on a search: ordinary, equal largest ones at several places, all equal, the
// largest first or last, infinities and NaN.
func logitRows(vocab int) [][]float32 {
	plain := func(name string) []float32 {
		x := source{seed("logits", name), uniform, format.F32, vocab}.all(1)
		for i := range x {
			x[i] *= 20
		}
		return x
	}
	last := vocab - 1
	rows := [][]float32{plain("plain")}
	edit := func(change func(x []float32)) {
		x := plain(fmt.Sprint(len(rows)))
		change(x)
		rows = append(rows, x)
	}
	inf := float32(math.Inf(1))
	edit(func(x []float32) { x[last/3], x[last/2], x[last] = 21, 21, 21 })
	edit(func(x []float32) { clear(x) })
	edit(func(x []float32) { x[0] = 30 })
	edit(func(x []float32) { x[last] = 30 })
	edit(func(x []float32) {
		for i := range x {
			x[i] -= 1000
		}
	})
	edit(func(x []float32) {
		for i := range x {
			if i != last/2 {
				x[i] = -inf
			}
		}
	})
	edit(func(x []float32) {
		for i := range x {
			x[i] = -math.MaxFloat32
		}
	})
	edit(func(x []float32) { x[last/2] = float32(math.NaN()) })
	edit(func(x []float32) { x[last/2], x[last] = inf, inf })
	edit(func(x []float32) { x[last/3] = inf })
	edit(func(x []float32) {
		for i := range x {
			x[i] = -inf
		}
	})
	return rows
}

func argmaxTrial(t *trial, vocab int) {
	rows := logitRows(vocab)
	var flat []float32
	for _, r := range rows {
		flat = append(flat, r...)
	}
	logits, given := t.input("logits", flat, len(rows), vocab), givenTokens(len(rows), vocab)
	tokens := t.words("given", given)
	choices := t.choiceBuffer(len(rows))
	t.check(func(r *shaders.Recorder) { r.Argmax(choices.data, logits.Tensor, tokens) }, func(v *verdict) {
		for i, row := range rows {
			v.choice(i, shaders.DecodeChoice(choices.values()[i*shaders.ChoiceBytes:]), Argmax(row, int(given[i])))
		}
	})
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

// choiceBuffer is an output for n choices.
func (t *trial) choiceBuffer(n int) *operand {
	content := make([]byte, n*shaders.ChoiceBytes)
	for i := range content {
		content[i] = 0xEE
	}
	return t.buffer("choices", content, true)
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
