package trace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// spiral makes states that wind into a point of their own, in a plane of their own.
type spiral struct {
	from, to, u, v []float32
	turn, shrink   float64
}

func newSpiral(rng *rand.Rand, to []float32, width int) spiral {
	random := func() []float32 {
		x := make([]float32, width)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	if to == nil {
		to = random()
	}
	return spiral{from: random(), to: to, u: random(), v: random(), turn: 0.4 + rng.Float64(), shrink: 0.45 + 0.4*rng.Float64()}
}

func (s spiral) at(step int, out []float32) []float32 {
	size := math.Pow(s.shrink, float64(step))
	sin, cos := math.Sincos(s.turn * float64(step))
	for i := range out {
		out[i] = s.to[i] + float32(size*(0.4*float64(s.from[i])+cos*float64(s.u[i])+sin*float64(s.v[i])))
	}
	return out
}

var hostile = []string{"<|begin_text|>", "</script>", "\n", "\r\n\t", " the", "日本語", "👩‍💻", "\x00\x1b[31m", "\xe6\x97", "\u202eabc", "a&b\"'<!--",
	"\u0301", "]]>", "\\n", "ا", "a very long token that goes on and on and on", "", "\ufffe", "\u2028"}

// sample is a trace of made-up states: a prompt, an answer with exits, starts.
func sample(t testing.TB, tokens, steps, width, vocabulary int) *Trace {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	text := func(id int32) []byte {
		if int(id) < len(hostile) {
			return []byte(hostile[id])
		}
		return []byte(fmt.Sprintf(" w%d", id))
	}
	b, err := NewBuilder(Trace{Model: "made-up <model>", Device: "no device", Prompt: "k=d;d=a;a=3;\n</script><!-- k?", Criterion: "latent-diff",
		Threshold: 0.03, MaxSteps: steps}, Options{Width: width, Components: 6, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	state, logits := make([]float32, width), make([]float32, vocabulary)
	for i := range tokens {
		s := newSpiral(rng, nil, width)
		prompt := i < tokens/3
		p := b.Token(i, int32(i%max(vocabulary, 1)), prompt, s.at(0, state))
		taken := steps
		if !prompt {
			taken = 1 + rng.IntN(steps)
		}
		for k := 1; k <= taken; k++ {
			for j := range logits {
				logits[j] = float32(rng.NormFloat64() * float64(k) / 4)
			}
			p.Step(s.at(k, state), logits)
		}
		if i == tokens-1 {
			for seed := range 5 {
				other := newSpiral(rng, s.to, width)
				q := b.Start(p, uint64(seed), other.at(0, state))
				for k := 1; k <= steps; k++ {
					q.Step(other.at(k, state), nil)
				}
			}
		}
	}
	tr, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}
