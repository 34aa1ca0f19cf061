package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/vk"
)

const hello = `"messages":[{"role":"user","content":"a=3;a?"}]`

// An answer has the fields that clients want, and says what it took.
func TestChat(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "hi, you")...)
	s := serving(t, m, Options{})
	v := decoded(t, ask(s, "/v1/chat/completions", `{`+hello+`,"max_completion_tokens":7,"return_steps":true,"logprobs":true,"top_logprobs":1,"num_steps":4}`))
	for _, c := range []struct {
		want any
		path []any
	}{
		{"chat.completion", []any{"object"}}, {"demo", []any{"model"}}, {"hi, you", []any{"choices", 0, "message", "content"}}, {"assistant", []any{"choices", 0, "message", "role"}},
		{nil, []any{"choices", 0, "message", "refusal"}}, {"length", []any{"choices", 0, "finish_reason"}}, {7.0, []any{"usage", "completion_tokens"}},
		{4.0, []any{"choices", 0, "x_steps", 6}}, {"h", []any{"choices", 0, "logprobs", "content", 0, "token"}}, {-0.5, []any{"choices", 0, "logprobs", "content", 0, "top_logprobs", 0, "logprob"}},
		{10.0, []any{"usage", "x_effective_layers"}}, {0.0, []any{"usage", "prompt_tokens_details", "cached_tokens"}},
	} {
		if got := at(v, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if message := at(v, "choices", 0, "message").(map[string]any); !strings.HasPrefix(at(v, "id").(string), "chatcmpl-") || len(message) != 3 {
		t.Errorf("id %v, message %v", at(v, "id"), message)
	}
	if req := f.asked[0]; req.Steps != 4 || req.Top != 1 || req.Score || req.MaxTokens != 7 || req.Owner == "" {
		t.Errorf("asked for %+v", req)
	}
}

// A stream begins with the role, holds back what is no whole rune yet, and ends with a reason, the usage and [DONE].
func TestChatStream(t *testing.T) {
	m, _ := fakeModel("demo", ids(t, "né\U0001F600!")...)
	s := serving(t, m, Options{})
	w := ask(s, "/v1/chat/completions", `{`+hello+`,"max_tokens":8,"stream":true,"n":2,"stream_options":{"include_usage":true}}`)
	if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		t.Errorf("%d %s", w.Code, kind)
	}
	list := events(t, w.Body)
	texts, finishes := map[any]string{}, map[any]any{}
	for i, e := range list[:len(list)-1] {
		index := at(e, "choices", 0, "index")
		if i < 2 && at(e, "choices", 0, "delta", "role") != "assistant" {
			t.Errorf("event %d: %v, want a role", i, e)
		}
		text, _ := at(e, "choices", 0, "delta", "content").(string)
		texts[index] += text
		if finishes[index] == nil {
			finishes[index] = at(e, "choices", 0, "finish_reason")
		}
		if strings.Contains(text, "\uFFFD") {
			t.Errorf("event %d cuts a rune: %q", i, text)
		}
	}
	for _, index := range []any{0.0, 1.0} {
		if texts[index] != "né\U0001F600!" || finishes[index] != "length" {
			t.Errorf("choice %v says %q, and ends by %v", index, texts[index], finishes[index])
		}
	}
	last := list[len(list)-1]
	if n := at(last, "usage", "completion_tokens"); n != 16.0 || len(at(last, "choices").([]any)) != 0 {
		t.Errorf("the last chunk is %v", last)
	}
}

// What goes wrong before the first token has a status; what goes wrong later is the last event.
func TestChatFails(t *testing.T) {
	for at, want := range map[int]int{0: http.StatusInternalServerError, 3: http.StatusOK} {
		m, f := fakeModel("demo", ids(t, "abc")...)
		f.fails, f.failAt = fmt.Errorf("fence: %w", vk.ErrDeviceLost), at
		s := serving(t, m, Options{})
		w := ask(s, "/v1/chat/completions", `{`+hello+`,"stream":true}`)
		body := w.Body.String()
		var e errorObject
		text, _ := strings.CutPrefix(body[strings.LastIndex(strings.TrimSpace(body), "\n")+1:], "data: ")
		if err := json.Unmarshal([]byte(text), &e); err != nil || w.Code != want || e.Error.Code == nil || *e.Error.Code != "device_lost" || strings.Contains(body, "DONE") {
			t.Errorf("after %d passes: %d %q (%v)", at, w.Code, body, err)
		}
	}
}

// The model's thoughts are told from its answer.
func TestThoughts(t *testing.T) {
	c := &Choice{apart: true}
	for _, token := range []decode.Token{{Text: "<think>", Thinking: true}, {Text: "hm", Thinking: true}, {Text: "</think>", Thinking: true}, {Text: "yes"}} {
		c.add(report{token: &token}, &Result{})
	}
	if c.Text != "yes" || c.Thinking != "hm" {
		t.Errorf("says %q, thinks %q", c.Text, c.Thinking)
	}
}

// Bodies that ask for what cannot be are refused by the name of the field.
func TestRefusals(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "a")...)
	s := serving(t, m, Options{})
	long := strings.Repeat("a=3;", 80)
	for _, c := range []struct{ path, body, param, code string }{
		{"chat/completions", `{}`, "messages", ""},
		{"chat/completions", `{"messages":[]}`, "messages", ""},
		{"chat/completions", `{"messages":["x"]}`, "messages[0]", ""},
		{"chat/completions", `{"messages":[{"role":"tool","content":"x"}]}`, "messages[0].role", "unsupported_parameter"},
		{"chat/completions", `{"messages":[{"role":"user"}]}`, "messages[0].content", ""},
		{"chat/completions", `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url"}]}]}`, "messages[0].content[1]", "unsupported_parameter"},
		{"chat/completions", `{` + hello + `,"tools":[{"type":"function"}]}`, "tools", "unsupported_parameter"},
		{"chat/completions", `{` + hello + `,"tool_choice":"required"}`, "tool_choice", "unsupported_parameter"},
		{"chat/completions", `{` + hello + `,"response_format":{"type":"json_object"}}`, "response_format", "unsupported_parameter"},
		{"chat/completions", `{` + hello + `,"audio":{"voice":"x"}}`, "audio", "unsupported_parameter"},
		{"chat/completions", `{` + hello + `,"n":9}`, "n", ""},
		{"chat/completions", `{` + hello + `,"top_logprobs":3}`, "top_logprobs", ""},
		{"chat/completions", `{` + hello + `,"logprobs":true,"top_logprobs":21}`, "top_logprobs", ""},
		{"chat/completions", `{` + hello + `,"temperature":1e999}`, "temperature", ""},
		{"chat/completions", `{` + hello + `,"temprature":1}`, "temprature", ""},
		{"chat/completions", `{` + hello + `,"numSteps":1}`, "numSteps", ""},
		{"chat/completions", `{` + hello + `,"stop":["` + strings.Repeat(`x","`, 16) + `"]}`, "stop", ""},
		{"chat/completions", `{` + hello + `,"num_steps":17}`, "num_steps", ""},
		{"chat/completions", `{` + hello + `,"num_steps":-1}`, "num_steps", ""},
		{"chat/completions", `{` + hello + `,"reasoning_effort":"more"}`, "reasoning_effort", ""},
		{"chat/completions", `{` + hello + `,"criterion":"gate"}`, "criterion", ""},
		{"chat/completions", `{` + hello + `,"exit_threshold":1}`, "criterion", ""},
		{"chat/completions", `{` + hello + `,"decode":"fast"}`, "decode", ""},
		{"chat/completions", `{` + hello + `,"decode":"wave","criterion":"kl"}`, "decode", ""},
		{"completions", `{"prompt":"x","decode":"speculative","continuous_compute":true}`, "decode", ""},
		{"trace", `{"prompt":"x","decode":"wave"}`, "decode", ""},
		{"chat/completions", `{` + hello + `,"cache_lookup_strategy":"full"}`, "cache_lookup_strategy", ""},
		{"chat/completions", `{` + hello + `,"chat_template_kwargs":{"x":1}}`, "chat_template_kwargs.x", "unsupported_parameter"},
		{"chat/completions", `{` + hello + `,"stream_options":{"include_usage":true}}`, "stream_options", ""},
		{"chat/completions", `{` + hello + `,"logit_bias":{"x":1}}`, "logit_bias", ""},
		{"chat/completions", `{` + hello + `,"logit_bias":{"1":1,"01":2}}`, "logit_bias", ""},
		{"completions", `{"echo":true,"logprobs":20,"max_tokens":0,"n":8,"prompt":[` + strings.TrimSuffix(strings.Repeat(`[1`+strings.Repeat(",1", 63)+`],`, 500), ",") + `]}`, "logprobs", ""},
		{"chat/completions", `{` + hello + `,"logit_bias":{"960":1}}`, "logit_bias", ""},
		{"chat/completions", `{` + hello + `,"logit_bias":{"1":101}}`, "logit_bias.1", ""},
		{"chat/completions", `{"messages":[{"role":"user","content":"` + long + `"}]}`, "messages", "context_length_exceeded"},
		{"completions", `{"prompt":"x","suffix":"y"}`, "suffix", "unsupported_parameter"},
		{"completions", `{"prompt":"x","best_of":2}`, "best_of", "unsupported_parameter"},
		{"completions", `{"prompt":[1,-1]}`, "prompt", ""},
		{"completions", `{"prompt":[1,960]}`, "prompt", ""},
		{"completions", `{"prompt":[]}`, "prompt", ""},
		{"completions", `{"prompt":[[1],[]]}`, "prompt", ""},
		{"completions", `{"prompt":"x","logprobs":21}`, "logprobs", ""},
	} {
		w := ask(s, "/v1/"+c.path, c.body)
		v := decoded(t, w)
		code, _ := at(v, "error", "code").(string)
		if w.Code != http.StatusBadRequest || at(v, "error", "param") != c.param || code != c.code || at(v, "error", "type") != typeRequest || at(v, "error", "message") == "" {
			t.Errorf("%.120s: %d %v, want the field %s", c.body, w.Code, v, c.param)
		}
	}
	if len(f.asked) > 0 {
		t.Errorf("%d requests ran", len(f.asked))
	}
	if m := at(decoded(t, ask(s, "/v1/completions", `{"prompt":[`+strings.Repeat("1,", 64)+`1]}`)), "error", "message").(string); !strings.Contains(m, "65 tokens") || !strings.Contains(m, "64 positions") {
		t.Errorf("too long: %s", m)
	}
	// What asks for nothing is let through, and so is what nobody knows.
	for _, body := range []string{`"tools":[],"tool_choice":"none","response_format":{"type":"text"},"store":true,"metadata":{}`, `"stop":null,"seed":-5,"logit_bias":{},"top_k":-1`, `"name":"x","reasoning_effort":"high"`} {
		if w := ask(s, "/v1/chat/completions", `{`+hello+`,"max_tokens":1,`+body+`}`); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

// Depth is a field, an effort, or part of the name; a number wins. Names are those of one table.
func TestDepths(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "a")...)
	s := serving(t, m, Options{})
	for body, want := range map[string]int{
		`"num_steps":3`: 3, `"model":"demo:r5"`: 5, `"model":"demo:r5","num_steps":2`: 2, `"reasoning_effort":"low"`: 2, `"reasoning_effort":"medium"`: 8, `"reasoning_effort":"xhigh"`: 16,
		`"reasoning_effort":"low","num_steps":0`: 0, `"x":1`: 8, `"model":"DEMO:r16"`: 16,
	} {
		w := ask(s, "/v1/chat/completions", `{`+hello+`,"max_tokens":1,`+body+`}`)
		if got := f.asked[len(f.asked)-1].Steps; w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d, %d steps, want %d", body, w.Code, got, want)
		}
	}
	ask(s, "/v1/chat/completions", `{`+hello+`,"max_tokens":1,"criterion":"kl","exit_threshold":0.5,"min_steps":3,"continuous_compute":true}`)
	got := f.asked[len(f.asked)-1].Strategy
	if e := got.Exit; e == nil || e.Criterion != decode.KL || e.Threshold != 0.5 || e.MinSteps != 3 || e.Prefill || !got.ContinuousCompute {
		t.Errorf("strategy %+v", got)
	}
	m.Strategy.Exit = &decode.Exit{Criterion: decode.LatentDiff, Threshold: 0.1, MinSteps: 2}
	for body, want := range map[string]*decode.Exit{
		`"x":1`: m.Strategy.Exit, `"exit_threshold":0.2`: {Criterion: decode.LatentDiff, Threshold: 0.2, MinSteps: 2}, `"min_steps":4`: {Criterion: decode.LatentDiff, Threshold: 0.1, MinSteps: 4},
		`"criterion":"none"`: nil, `"criterion":"cosine"`: {Criterion: decode.Cosine}, `"reasoning_effort":"high"`: nil,
	} {
		ask(s, "/v1/chat/completions", `{`+hello+`,"max_tokens":1,`+body+`}`)
		if got := f.asked[len(f.asked)-1].Strategy.Exit; (got == nil) != (want == nil) || got != nil && (got.Criterion != want.Criterion || got.Threshold != want.Threshold || got.MinSteps != want.MinSteps) {
			t.Errorf("%s beside the server's own exit: %+v, want %+v", body, got, want)
		}
	}
	for body, want := range map[string]string{`"x":1`: "plain", `"decode":"plain"`: "plain", `"decode":"wave","continuous_compute":true`: "wave",
		`"decode":"speculative","num_steps":3`: "speculative", `"decode":"wave","reasoning_effort":"low"`: "wave"} {
		w := ask(s, "/v1/completions", `{"prompt":"x","max_tokens":1,`+body+`}`)
		got := f.asked[len(f.asked)-1].Strategy
		if w.Code != http.StatusOK || got.Name() != want || (got.Exit != nil) != got.Plain() || got.Speculative != nil && got.Speculative.DraftSteps != 1 || got.Wave != nil && got.Wave.MaxWavefront != WaveWidth {
			t.Errorf("%s: %d %s, strategy %+v", body, w.Code, w.Body, got)
		}
	}
	m.Lookup = "latest-m4-compress-s2"
	if w := ask(s, "/v1/completions", `{"prompt":"x","decode":"speculative"}`); w.Code != http.StatusBadRequest || at(decoded(t, w), "error", "param") != "decode" {
		t.Errorf("drafts on a cache whose steps share slots: %d %s", w.Code, w.Body)
	}
}
