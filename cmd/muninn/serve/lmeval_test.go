package serve

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/reference"
)

// item is a multiple-choice question: a context and continuations of one token.
type item struct{ context, choices []int32 }

// items are problems of the demo, with all values as choices.
func items(t *testing.T, n int) (list []item) {
	_, m := demoText()
	encode := func(text string) []int32 {
		ids, err := encodeText(&Model{Text: m}, text, true, false)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	rng := demo.Rand(11)
	for len(list) < n {
		p, err := demo.Draw(rng, len(list)%3)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Definitions) > 8 {
			continue
		}
		begin, _ := m.BeginID()
		it := item{context: append([]int32{begin}, encode(p.Text())...)}
		for _, value := range []string{"1;", "3;", "7;", string([]rune{rune(p.Chain[len(p.Chain)-1])}) + ";"} {
			it.choices = append(it.choices, encode(value)[0])
		}
		list = append(list, it)
	}
	return list
}

// scored is what lm-eval makes of a continuation.
type scored struct {
	logprob float64
	greedy  bool
}

// parseLogprobs reads an answer as lm-eval's LocalCompletionsAPI does.
func parseLogprobs(t *testing.T, body []byte, contexts []int) (list []scored) {
	var out struct {
		Choices []struct {
			Index    int
			Logprobs struct {
				Tokens         []string
				Token_logprobs []*float64
				Top_logprobs   []map[string]float64
				Text_offset    []int
			}
		}
	}
	if err := json.Unmarshal(body, &out); err != nil || len(out.Choices) != len(contexts) {
		t.Fatalf("%.300s: %v", body, err)
	}
	for i, c := range out.Choices {
		l := c.Logprobs
		if n := len(l.Tokens); c.Index != i || len(l.Token_logprobs) != n || len(l.Top_logprobs) != n || len(l.Text_offset) != n || n != contexts[i]+2 || l.Token_logprobs[0] != nil || l.Top_logprobs[0] != nil {
			t.Fatalf("choice %d of a context of %d: %+v", i, contexts[i], c)
		}
		s := scored{greedy: true}
		for k := contexts[i]; k < len(l.Tokens)-1; k++ {
			s.logprob += *l.Token_logprobs[k]
			s.greedy = s.greedy && *l.Token_logprobs[k] == slices.Max(slices.Collect(maps.Values(l.Top_logprobs[k])))
		}
		list = append(list, s)
	}
	return list
}

// lm-eval's multiple choice, asked in its own form, gives the reference's likelihoods, and tells which choice is the likeliest token of all.
func TestLMEval(t *testing.T) {
	const steps = 4
	on := onDevice(t)
	s := sessionOf(t, on, 40, 40*32)
	n := 200
	if testing.Short() {
		n = 30
	}
	list := items(t, n)
	got := make([][]scored, len(list))
	var all sync.WaitGroup
	next := make(chan []int)
	for range 4 { // num_concurrent
		all.Go(func() {
			for batch := range next {
				var prompts [][]int32
				var contexts []int
				for _, i := range batch {
					for _, choice := range list[i].choices {
						prompts, contexts = append(prompts, append(slices.Clone(list[i].context), choice)), append(contexts, len(list[i].context))
					}
				}
				body, _ := json.Marshal(map[string]any{"model": "demo", "prompt": prompts, "temperature": 0, "max_tokens": 1, "logprobs": 1, "echo": true, "seed": 1234, "num_steps": steps})
				w := ask(s, "/v1/completions", string(body))
				if w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
					continue
				}
				for k, one := range parseLogprobs(t, w.Body.Bytes(), contexts) {
					i := batch[k/4]
					got[i] = append(got[i], one)
				}
			}
		})
	}
	for batch := range slices.Chunk(upTo(len(list)), 5) {
		next <- batch
	}
	close(next)
	all.Wait()
	ck, _ := demoText()
	r, err := reference.New(ck)
	if err != nil {
		t.Fatal(err)
	}
	worst, greedy := 0.0, 0
	for i, it := range list {
		want := wantScores(t, r, it, steps)
		for k, w := range want {
			worst = max(worst, math.Abs(got[i][k].logprob-w.logprob))
			if greedy += map[bool]int{true: 1}[w.greedy]; got[i][k].greedy != w.greedy {
				t.Errorf("item %d, choice %d: greedy %t, want %t", i, k, got[i][k].greedy, w.greedy)
			}
		}
	}
	t.Logf("%d items: at most %.1g off, %d choices greedy", len(list), worst, greedy)
	if !(worst <= 1e-3) || greedy < len(list)/2 || greedy > 3*len(list) {
		t.Errorf("log probabilities are up to %g off the reference, %d choices greedy", worst, greedy)
	}
	t.Run("Echo", func(t *testing.T) { testEcho(t, s) })
	t.Run("Cached", func(t *testing.T) { testCached(t, s) })
	t.Run("Memory", func(t *testing.T) { testMemory(t, on) })
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// wantScores is the reference's.
func wantScores(t *testing.T, r *reference.Model, it item, steps int) (list []scored) {
	q, err := r.NewSession(reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	q.SetSequence(0, decode.Sequence{Seed: 1234, InitScale: 1})
	var rows []decode.TaskRow
	for i, id := range it.context {
		rows = append(rows, decode.TaskRow{Pos: i, Token: id, Begin: true})
	}
	var logits []float32
	if err := q.Do(&decode.Task{Rows: rows, Last: true, Prompt: true, Steps: steps, Outputs: 1, Logits: func(all [][]float32) { logits = slices.Clone(all[0]) }}); err != nil {
		t.Fatal(err)
	}
	sum, most := 0.0, float64(slices.Max(logits))
	for _, l := range logits {
		sum += math.Exp(float64(l) - most)
	}
	for _, choice := range it.choices {
		list = append(list, scored{float64(logits[choice]) - most - math.Log(sum), float64(logits[choice]) == most})
	}
	return list
}

// Tokens that show alike do not hide which is likeliest; nothing is infinite.
func TestLegacyLogprobs(t *testing.T) {
	m, _ := fakeModel("demo")
	high := ids(t, "\xf0\x9f")
	l := &legacyLogprobs{}
	p := Logprob(-2)
	l.add(m, high[0], &p, []decode.Likely{{Token: high[1], LogProb: -1}}, 0)
	q := Logprob(-1)
	l.add(m, high[0], &q, []decode.Likely{{Token: high[0], LogProb: -1}, {Token: high[1], LogProb: -3}}, 0)
	if l.Tokens[0] != "\uFFFD" || l.Top[0]["\uFFFD"] != -1 || l.Top[1]["\uFFFD"] != -1 {
		t.Errorf("%+v", l)
	}
	none := Logprob(math.Inf(-1))
	l.add(m, high[0], &none, []decode.Likely{{LogProb: float32(math.NaN())}}, 0)
	more := Logprob(math.Inf(1))
	l.add(m, high[0], &more, nil, 0)
	data, err := json.Marshal(l)
	if err != nil || !strings.Contains(string(data), `-9999`) || strings.Contains(string(data), "Inf") {
		t.Errorf("%s %v", data, err)
	}
}
