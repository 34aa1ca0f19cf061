package serve

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"muninn/model"
	"muninn/model/engine"
	"muninn/vk/vktest"
)

// onDevice is the demo on a device.
func onDevice(t *testing.T) *model.Model {
	t.Helper()
	on, err := model.Open(t.Context(), "demo", model.Options{Device: vktest.Names()[0], CacheDir: t.TempDir(), NoSelfTest: true, Fit: model.Fit{Off: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := on.Close(); err != nil {
			t.Error(err)
		}
	})
	return on
}

// sessionOf serves a session of a model.
func sessionOf(t *testing.T, on *model.Model, sequences, positions int) *Server {
	t.Helper()
	session, err := on.NewSession(engine.SessionOptions{Sequences: sequences, Context: 64, Positions: positions, MaxSteps: 16, Scores: 400, Exits: true})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := fakeModel("demo")
	m.Parallel, m.Queue, m.Engine = sequences, 64, Loop{Loop: engine.NewLoop(session, engine.LoopOptions{Queue: 1000}), Of: &model.Model{}}
	s := serving(t, m, Options{})
	t.Cleanup(s.Models.Close)
	return s
}

// testEcho: a prompt alone is scored, as text or as ids, in an answer or a stream; what is made after it may be nothing.
func testEcho(t *testing.T, s *Server) {
	const text = "k=d;d=3;k?"
	alone := decoded(t, ask(s, "/v1/completions", `{"prompt":"`+text+`","max_tokens":0,"logprobs":2,"echo":true}`))
	choice := at(alone, "choices", 0)
	if at(choice, "text") != text || at(choice, "finish_reason") != "length" || at(choice, "logprobs", "token_logprobs", 0) != nil || at(alone, "usage", "completion_tokens") != 0.0 {
		t.Errorf("echo: %v", alone)
	}
	if got := fmt.Sprint(at(choice, "logprobs", "tokens"), at(choice, "logprobs", "text_offset")); got != "[<|begin_text|> k=d; d=3; k?] [0 0 4 8]" {
		t.Errorf("tokens and offsets %s", got)
	}
	byIDs := decoded(t, ask(s, "/v1/completions", `{"prompt":`+fmt.Sprint(strings.ReplaceAll(fmt.Sprint(promptIDs(t, text)), " ", ","))+`,"max_tokens":0,"logprobs":2,"echo":true}`))
	if got, want := fmt.Sprint(at(byIDs, "choices", 0, "logprobs", "top_logprobs")), fmt.Sprint(at(choice, "logprobs", "top_logprobs")); got != want {
		t.Errorf("by ids %s, by text %s", got, want)
	}
	list := events(t, ask(s, "/v1/completions", `{"prompt":"`+text+`","max_tokens":2,"logprobs":2,"echo":true,"stream":true}`).Body)
	if got, want := fmt.Sprint(at(list[len(list)-1], "choices", 0, "logprobs", "top_logprobs")), fmt.Sprint(at(choice, "logprobs", "top_logprobs")); got != want || at(list[0], "choices", 0, "text") != text {
		t.Errorf("streamed %v, want %s", list, want)
	}
	if got := at(list[1], "choices", 0, "logprobs", "text_offset", 0); got != float64(len(text)) {
		t.Errorf("streamed, the first token behind the prompt begins at %v", got)
	}
}

func promptIDs(t *testing.T, text string) []int32 {
	_, m := demoText()
	list, err := m.EncodePrompt(text, false)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// testCached: the second turn of a chat reads what is new; answers of one prompt read it once.
func testCached(t *testing.T, s *Server) {
	chat := func(more string) *httptest.ResponseRecorder {
		return ask(s, "/v1/chat/completions", `{"messages":[{"role":"user","content":"k=d;d=a;a=3;c=k;k?"}`+more+`],"max_tokens":2,"temperature":0,"num_steps":6}`)
	}
	first := decoded(t, chat(""))
	answer := at(first, "choices", 0, "message", "content").(string)
	second := decoded(t, chat(`,{"role":"assistant","content":"`+answer+`"},{"role":"user","content":"c?"}`))
	if n := at(second, "usage", "prompt_tokens_details", "cached_tokens").(float64); n < at(first, "usage", "prompt_tokens").(float64)-2 {
		t.Errorf("of %v tokens %v were cached: %v", at(second, "usage", "prompt_tokens"), n, second)
	}
	v := decoded(t, ask(s, "/v1/completions", `{"prompt":"m=d;d=a;a=7;m?","n":4,"max_tokens":3,"temperature":2,"num_steps":5}`))
	texts := map[any]bool{}
	for i := range 4 {
		texts[at(v, "choices", i, "text")] = true
	}
	if len(texts) < 2 || at(v, "usage", "prompt_tokens") != 5.0 {
		t.Errorf("four answers: %v", v)
	}
	seeded := func() string {
		return fmt.Sprint(at(decoded(t, ask(s, "/v1/completions", `{"prompt":"m?","n":2,"max_tokens":5,"temperature":2,"seed":7}`)), "choices"))
	}
	if a, b := seeded(), seeded(); a != b {
		t.Errorf("one seed gives %s and %s", a, b)
	}
}

// testMemory: where pages are for two requests, many more wait for them, each gives what it gives alone, and nothing is allocated meanwhile.
func testMemory(t *testing.T, on *model.Model) {
	s := sessionOf(t, on, 8, 128)
	body := func(i int) string {
		return fmt.Sprintf(`{"prompt":"%sk?","max_tokens":10,"logit_bias":{"927":-100,"930":-100},"num_steps":8}`, strings.Repeat(fmt.Sprintf("%c=%d;", 'a'+i, i), 20))
	}
	var want [6]any
	for i := range want {
		want[i] = at(decoded(t, ask(s, "/v1/completions", body(i))), "choices", 0, "text")
	}
	before := on.Device().Counters().DeviceBytes
	var all sync.WaitGroup
	for i := range 3 * len(want) {
		all.Go(func() {
			i %= len(want)
			if w := ask(s, "/v1/completions", body(i)); w.Code != http.StatusOK || at(decoded(t, w), "choices", 0, "text") != want[i] {
				t.Errorf("request %d, among many: %d %s, alone %v", i, w.Code, w.Body, want[i])
			}
		})
	}
	all.Wait()
	if after := on.Device().Counters().DeviceBytes; after != before {
		t.Errorf("%d bytes on the device, before %d", after, before)
	}
}
