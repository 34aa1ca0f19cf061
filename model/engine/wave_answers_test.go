package engine_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// waveHops are the sizes of the problems that waves are measured on. Their answers are counted by the length of the chain asked for:
// from 0 to 3 definitions, from 4 to 7, and so on.
var waveHops, hopGroups = []int{2, 5, 8, 11, 14, 17}, []int{0, 4, 8, 12}

// TestWavesAnswer: behind a problem's answer the demo model goes on with questions of its own about the same definitions. A wave
// has several of them live; how many answers are right is what that costs beside plain decoding.
// MUNINN_TEST_PROBLEMS measures so many problems of each size instead of one.
func TestWavesAnswer(t *testing.T) {
	each := testSize(t, "MUNINN_TEST_PROBLEMS", 1, 1)
	rng := demo.Rand(17)
	var problems []demo.Problem
	sizes := waveHops
	if testing.Short() {
		sizes = []int{5, 14}
	}
	for _, hops := range sizes {
		for range each {
			p, err := demo.Draw(rng, hops)
			if err != nil {
				t.Fatal(err)
			}
			problems = append(problems, p)
		}
	}
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, store.DemoName, engine.LoadOptions{})
	table := &strings.Builder{}
	measured := func(name string, strategy decode.Strategy) *questions {
		q := asking(t, m, problems, strategy)
		fmt.Fprintf(table, "| %s | %.1f | %.1f | %d | %.1f %% |", name, q.steps/q.tokens, q.passes/q.tokens, int(q.asked()), 100*q.right())
		for i := range hopGroups {
			fmt.Fprintf(table, " %.1f %% |", 100*q.correct[i]/q.posed[i])
		}
		fmt.Fprintln(table)
		return q
	}
	plain := measured("plain", decode.Strategy{})
	measured("plain, exit by latent-diff", decode.Strategy{Exit: &decode.Exit{Criterion: decode.LatentDiff}})
	for _, freeze := range decode.Freezes {
		wave := decode.PaperWave
		wave.Freeze = freeze
		q := measured(fmt.Sprintf("wave, `%s`", freeze), decode.Strategy{Wave: &wave})
		// A tenth is more than any rule loses over many problems; two standard errors are what chance does with few.
		const loss = 0.1
		if least := plain.right() - loss - 2*math.Sqrt(loss*(1-loss)/q.asked()); q.right() < least {
			t.Errorf("%s: %.1f %% of %d answers are right, want %.1f %%; plain has %.1f %%", freeze, 100*q.right(), int(q.asked()), 100*least, 100*plain.right())
		}
		if q.passes*3 > plain.passes {
			t.Errorf("%s: %.1f core passes a token, plain %.1f: want a third at most", freeze, q.passes/q.tokens, plain.passes/plain.tokens)
		}
	}
	t.Logf("%d problems on %s\n%s", len(problems), dev.Caps().Name, table)
}

// questions are those that the model asked itself about defined names, by hopGroups, and what all of its tokens took.
type questions struct {
	posed, correct        []float64
	tokens, steps, passes float64
}

func (q *questions) asked() float64 { return sum(q.posed) }

func (q *questions) right() float64 { return sum(q.correct) / q.asked() }

func sum(list []float64) (s float64) {
	for _, x := range list {
		s += x
	}
	return s
}

// asking has the model go on behind the problems, side by side at r = 32, with tokens drawn so that its questions vary.
func asking(t *testing.T, m *engine.Model, problems []demo.Problem, strategy decode.Strategy) *questions {
	t.Helper()
	const side, deepest, tokens = 8, 32, 17
	lookup, err := decode.ParseLookup(strategy.Lookup(m.Config.NLayersInRecurrentBlock), m.Config.NLayersInRecurrentBlock)
	if err != nil {
		t.Fatal(err)
	}
	s := session(t, m, engine.SessionOptions{Sequences: side, Context: 48, Rows: side * 48, MaxSteps: deepest, Lookup: lookup}.For(strategy))
	q := &questions{posed: make([]float64, len(hopGroups)), correct: make([]float64, len(hopGroups))}
	for group := range slices.Chunk(problems, side) {
		b := engine.NewBatch(s)
		for i, p := range group {
			prompt, err := m.EncodePrompt(p.Text(), false)
			if err != nil {
				t.Fatal(err)
			}
			before := "" // the prompt's own question does not count: its answer comes of the prompt's pass
			emit := func(c decode.Token) error {
				if c.Token < 0 {
					return nil
				}
				said := string(m.Tokenizer.Bytes(c.Token))
				if answer, hops, ok := answerTo(p, before); ok {
					at := len(hopGroups) - 1
					for hops < hopGroups[at] {
						at--
					}
					q.posed[at]++
					if said == answer {
						q.correct[at]++
					}
				}
				before = said
				q.tokens, q.steps = q.tokens+1, q.steps+float64(c.Steps)
				return nil
			}
			end := func(out decode.Outcome, err error) {
				if err != nil {
					t.Error(err)
				}
				q.passes += float64(out.Passes)
			}
			req := decode.Request{Prompt: prompt, Steps: deepest, MaxTokens: tokens, Pick: decode.Filters{Temperature: 1, TopP: 0.9, Seed: 5}, Strategy: strategy}
			if _, err := b.Add(req, setting(i), emit, end); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

// answerTo is the answer to a question about a name that a problem defines, and how many definitions away it is.
func answerTo(p demo.Problem, question string) (answer string, hops int, ok bool) {
	if len(question) != 2 || question[1] != '?' {
		return "", 0, false
	}
	for name := question[0]; ; hops++ {
		i := slices.IndexFunc(p.Definitions, func(d demo.Definition) bool { return d.Name == name })
		switch {
		case i < 0:
			return "", 0, false
		case p.Definitions[i].Constant():
			return string(p.Definitions[i].Is) + ";", hops, true
		}
		name = p.Definitions[i].Is
	}
}
