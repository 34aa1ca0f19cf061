package score_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/reference"
	"muninn/model/score"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// question is an item of token ids, as a line has it, and what the reference says of its choices.
type question struct {
	Context []int32   `json:"context"`
	Choices [][]int32 `json:"choices"`
	Gold    int       `json:"gold"`

	want   []score.Result
	margin []float64 // how sure the reference is of whether a choice is greedy
}

const (
	steps    = 2
	contexts = 60
)

// ask makes up questions over contexts that begin alike, some of whose choices are what the reference would say itself.
func ask(t *testing.T, r *reference.Model, n int) []question {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 9))
	token := func() int32 { return int32(rng.IntN(r.Config.PaddedVocabSize)) }
	shared := make([]int32, 3)
	for i := range shared {
		shared[i] = token()
	}
	s, err := r.NewSession(reference.Options{Context: contexts})
	if err != nil {
		t.Fatal(err)
	}
	list := make([]question, n)
	for i := range list {
		q := &list[i]
		q.Context = append(q.Context, shared...)
		for range 1 + rng.IntN(4) {
			q.Context = append(q.Context, token())
		}
		for range 2 + rng.IntN(2) {
			choice := []int32{token()}
			if rng.IntN(3) == 0 {
				choice = append(choice, token())
			}
			q.Choices = append(q.Choices, choice)
		}
		q.Gold = rng.IntN(len(q.Choices))
		answer := outcomeOf(t, s, decode.Request{Prompt: q.Context, MaxTokens: len(q.Choices[q.Gold])})
		q.Choices[q.Gold] = answer.Tokens
		for _, choice := range q.Choices {
			out := outcomeOf(t, s, decode.Request{Prompt: append(q.Context[:len(q.Context):len(q.Context)], choice...), Score: true, ScoreFrom: len(q.Context), Top: 2})
			want, margin := score.Result{Greedy: true}, math.Inf(1)
			for _, p := range out.Prompt[len(q.Context):] {
				want.LogLikelihood += float64(p.LogProb)
				if want.Greedy = want.Greedy && p.LogProb == p.Top[0].LogProb; want.Greedy {
					margin = min(margin, float64(p.Top[0].LogProb-p.Top[1].LogProb))
				} else {
					margin = min(margin, max(float64(p.Top[0].LogProb-p.LogProb), 1e-30))
				}
			}
			q.want, q.margin = append(q.want, want), append(q.margin, margin)
		}
	}
	return list
}

// outcomeOf runs a request on the reference, which holds what it can from the one before.
func outcomeOf(t *testing.T, s *reference.Session, req decode.Request) decode.Outcome {
	t.Helper()
	held, most := 0, req.Reusable()
	for _, id := range s.Tokens(0) {
		if held == most || id != req.Prompt[held] {
			break
		}
		held++
	}
	if err := s.Rewind(0, held); err != nil {
		t.Fatal(err)
	}
	req.Held, req.Steps, req.Pick = held, steps, decode.Filters{Greedy: true}
	out, err := decode.Decode(s, 0, req, func(decode.Choice) (bool, error) { return false, nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Questions as lists of token ids, scored side by side: the log likelihoods are the reference's, and so is whether a choice is
// what the model would say. A request that echoes its prompt and generates a token gives the same.
func TestQuestions(t *testing.T) {
	for _, path := range []string{store.DemoName, golden.Model(t, "A-f32"), golden.Path(t, "goldens", "family", "models", "U-bf16")} {
		t.Run(path[strings.LastIndexByte(path, '/')+1:], func(t *testing.T) {
			ck, err := store.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer ck.Close()
			r, err := reference.New(ck)
			if err != nil {
				t.Fatal(err)
			}
			count := 40 // the reference answers them first, in most of the time
			if path == store.DemoName && !testing.Short() {
				count = 200
			}
			questions := ask(t, r, count)
			testQuestions(t, ck, questions)
		})
	}
}

func testQuestions(t *testing.T, ck *checkpoint.Checkpoint, questions []question) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m, err := engine.Load(ck, dev, engine.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{Sequences: 16, Context: contexts, Positions: 16 * 64, MaxSteps: steps, Scores: 24})
	if err != nil {
		t.Fatal(err)
	}
	loop := engine.NewLoop(s, engine.LoopOptions{})
	defer loop.Close()

	var file strings.Builder
	for _, q := range questions {
		line, _ := json.Marshal(q)
		file.Write(append(line, '\n'))
	}
	text, err := ck.Text()
	if err != nil {
		t.Fatal(err)
	}
	items, err := score.Reader{Name: "file", Text: text}.Read(strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	var parts []score.Part
	var of []int
	for i, item := range items {
		windows, _, err := item.Windows(contexts, 0)
		if err != nil || len(windows) != len(questions[i].Choices) {
			t.Fatal(len(windows), err)
		}
		for k := range windows {
			of = append(of, i<<8|k)
		}
		parts = append(parts, windows...)
	}
	o := score.Options{Steps: steps, Lookup: s.Lookup(), Setting: decode.Sequence{InitScale: 1}, Parallel: 16}
	results := make([]*score.Result, len(parts))
	if err := score.Run(context.Background(), loop, parts, o, func(i int, r score.Result) { results[i] = &r }); err != nil {
		t.Fatal(err)
	}
	held, greedy, unsure, worst := 0, 0, 0, 0.0
	for i, r := range results {
		q, k := questions[of[i]>>8], of[i]&255
		d := math.Abs(r.LogLikelihood - q.want[k].LogLikelihood)
		if worst = max(worst, d); !(d <= 1e-3) {
			t.Errorf("choice %d of %v: %g, the reference %g", k, q, r.LogLikelihood, q.want[k].LogLikelihood)
		}
		switch {
		case q.margin[k] < 1e-4:
			unsure++
		case r.Greedy != q.want[k].Greedy:
			t.Errorf("choice %d of %v: greedy %t, the reference %t", k, q, r.Greedy, q.want[k].Greedy)
		}
		if r.Greedy {
			greedy++
		}
		held += r.Held
	}
	t.Logf("%d choices, %d greedy, %d unsure, off by %g, %d tokens held", len(results), greedy, unsure, worst, held)
	if greedy < len(questions) || unsure > 2 || held == 0 {
		t.Errorf("%d choices are greedy, %d unsure, %d tokens were held", greedy, unsure, held)
	}
	for i := range 20 { // what a server's echo asks
		stream, err := loop.Submit(context.Background(), decode.Request{Prompt: parts[i].Tokens, Steps: steps, MaxTokens: 1, Score: true, Top: 1, Pick: decode.Filters{Greedy: true}}, o.Setting)
		if err != nil {
			t.Fatal(err)
		}
		out, err := stream.Outcome()
		if err != nil || len(out.Tokens) != 1 || len(out.Prompt) != len(parts[i].Tokens) || out.Held != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		sum, same := 0.0, true
		for _, p := range out.Prompt[parts[i].From:] {
			sum += float64(p.LogProb)
			same = same && p.LogProb == p.Top[0].LogProb
		}
		if math.Abs(sum-results[i].LogLikelihood) > 1e-4 || same != results[i].Greedy {
			t.Errorf("echo of part %d: %g, %t; scored %g, %t", i, sum, same, results[i].LogLikelihood, results[i].Greedy)
		}
	}
}
