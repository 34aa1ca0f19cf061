package serve

import (
	"net/http"
	"strings"
	"testing"

	"muninn/model/decode"
)

const question = `"max_tokens":7,"messages":[{"role":"user","content":[{"type":"text","text":"a=3;a?"}]}]`

// A message has the fields that clients want, and says why it ended.
func TestMessages(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "hi, you")...)
	s := serving(t, m, Options{})
	for more, want := range map[string][]any{
		``: {"hi, you", "max_tokens", nil, 8}, `,"stop_sequences":["x",", y",", you"]`: {"hi", "stop_sequence", ", y", 8},
		`,"thinking":{"type":"enabled","budget_tokens":1024}`: {"hi, you", "max_tokens", nil, 2}, `,"system":[{"type":"text","text":"be brief"}],"output_config":{"effort":"max"}`: {"hi, you", "max_tokens", nil, 16},
		`,"thinking":{"type":"enabled","budget_tokens":9000},"num_steps":3`: {"hi, you", "max_tokens", nil, 3}, `,"thinking":{"type":"disabled"},"metadata":{"user_id":"me"}`: {"hi, you", "max_tokens", nil, 8},
	} {
		w := ask(s, "/v1/messages", `{`+question+more+`,"return_steps":true}`, "Anthropic-Version", "2023-06-01")
		v := decoded(t, w)
		req := f.asked[len(f.asked)-1]
		if got := []any{at(v, "content", 0, "text"), v["stop_reason"], v["stop_sequence"], req.Steps}; w.Code != http.StatusOK || !equal(got, want) {
			t.Errorf("%s: %d %v, want %v", more, w.Code, got, want)
		}
		if n := at(v, "usage", "output_tokens").(float64); v["type"] != "message" || v["role"] != "assistant" || at(v, "x_steps", 0) != float64(req.Steps) || len(v["x_steps"].([]any)) != int(n) || at(v, "usage", "x_core_steps") == 0.0 {
			t.Errorf("%s: %v", more, v)
		}
	}
	body := ask(s, "/v1/messages", `{`+question+`,"stop_sequences":["u"],"stream":true}`).Body.String()
	types, list := named(t, body)
	if got := squeezed(types); got != "message_start content_block_start content_block_delta content_block_stop message_delta message_stop" {
		t.Errorf("the events are %s", got)
	}
	if end := list[len(list)-2]; at(end, "delta", "stop_reason") != "stop_sequence" || at(end, "delta", "stop_sequence") != "u" || at(end, "usage", "output_tokens") != 7.0 {
		t.Errorf("it ends by %v", end)
	}
	count := decoded(t, ask(s, "/v1/messages/count_tokens", `{`+question+`}`))
	if n := len(f.asked[len(f.asked)-1].Prompt); count["input_tokens"] != float64(n) {
		t.Errorf("counts %v, the prompt has %d", count, n)
	}
}

func equal(a, b []any) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// Streams of Anthropic's are kept alive by an event of theirs.
func TestMessagesPing(t *testing.T) {
	w := ask(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = (&eventStream{w: w, keep: messagesDialect.Ping}).ping()
	}), "/", "")
	if got := w.Body.String(); got != "event: ping\ndata: {\"type\":\"ping\"}\n\n" {
		t.Errorf("a ping is %q", got)
	}
}

// What cannot be followed is refused by name, in each dialect's own form; what changes nothing is let through.
func TestDialectRefusals(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "a")...)
	s := serving(t, m, Options{})
	for _, c := range []struct{ path, more, param string }{
		{"/v1/responses", `"previous_response_id":"resp_1"`, "previous_response_id"}, {"/v1/responses", `"conversation":"c"`, "conversation"}, {"/v1/responses", `"prompt":{"id":"p"}`, "prompt"},
		{"/v1/responses", `"background":true`, "background"}, {"/v1/responses", `"truncation":"auto"`, "truncation"}, {"/v1/responses", `"tools":[{"type":"web_search"}]`, "tools"},
		{"/v1/responses", `"tool_choice":{"type":"file_search"}`, "tool_choice"}, {"/v1/responses", `"text":{"format":{"type":"json_schema"}}`, "text.format"}, {"/v1/responses", `"text":{"verbosity":"low"}`, "text.verbosity"},
		{"/v1/responses", `"reasoning":{"effort":"more"}`, "reasoning.effort"}, {"/v1/responses", `"reasoning":{"mode":"pro"}`, "reasoning.mode"}, {"/v1/responses", `"include":["file_search_call.results"]`, "include"},
		{"/v1/responses", `"max_tokens":3`, "max_tokens"}, {"/v1/responses", `"max_output_token":3`, "max_output_token"}, {"/v1/responses", `"n":2`, "n"}, {"/v1/responses", `"max_output_tokens":0`, "max_output_tokens"},
		{"/v1/responses", `"input":[{"type":"function_call_output"}]`, "input[0]"}, {"/v1/responses", `"input":[{"type":"item_reference","id":"x"}]`, "input[0]"}, {"/v1/responses", `"input":[]`, "input"},
		{"/v1/responses", `"input":[{"role":"user","content":[{"type":"input_image"}]}]`, "input[0].content[0]"}, {"/v1/responses", `"num_steps":17`, "num_steps"},
		{"/v1/messages", `"tools":[{"name":"x"}]`, "tools"}, {"/v1/messages", `"tool_choice":{"type":"any"}`, "tool_choice"}, {"/v1/messages", `"mcp_servers":[{}]`, "mcp_servers"}, {"/v1/messages", `"stop":"x"`, "stop"},
		{"/v1/messages", `"max_tokens":null`, "max_tokens"}, {"/v1/messages", `"thinking":{"type":"enabled"}`, "thinking.budget_tokens"}, {"/v1/messages", `"thinking":{"type":"on"}`, "thinking.type"},
		{"/v1/messages", `"output_config":{"effort":"x"}`, "output_config.effort"}, {"/v1/messages", `"output_config":{"format":{"type":"json_schema"}}`, "output_config.format"}, {"/v1/messages", `"stop_sequences":[""]`, "stop_sequences"},
		{"/v1/messages", `"messages":[{"role":"user","content":[{"type":"image"}]}]`, "messages[0].content[0]"}, {"/v1/messages", `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]`, "messages"},
		{"/v1/messages", `"messages":[{"role":"user","content":[{"type":"tool_result"}]}]`, "messages[0].content[0]"}, {"/v1/messages/count_tokens", `"messages":[]`, "messages"},
	} {
		base := map[string]string{"input": `"input":"a?"`, "max_tokens": `"max_tokens":3`, "messages": `"messages":[{"role":"user","content":"a?"}]`}
		body := []string{c.more}
		for name, field := range base {
			if has := strings.HasPrefix(c.more, `"`+name+`"`); !has && (name == "input") == (c.path == "/v1/responses") {
				body = append(body, field)
			}
		}
		w := ask(s, c.path, `{`+strings.Join(body, ",")+`}`)
		v := decoded(t, w)
		if text, _ := at(v, "error", "message").(string); w.Code != http.StatusBadRequest || !strings.Contains(text, c.param) || at(v, "error", "type") != typeRequest {
			t.Errorf("%s %s: %d %v, want the name %s", c.path, c.more, w.Code, v, c.param)
		}
		if c.path == "/v1/responses" && at(v, "error", "param") != c.param || c.path != "/v1/responses" && (v["type"] != "error" || v["request_id"] != w.Header().Get("Request-Id")) {
			t.Errorf("%s %s: %v is not of its dialect", c.path, c.more, v)
		}
	}
	if len(f.asked) > 0 {
		t.Errorf("%d requests ran", len(f.asked))
	}
	for _, c := range [][2]string{
		{"/v1/responses", `{"input":"a?","tools":[],"tool_choice":"auto","text":{"format":{"type":"text"}},"store":false,"truncation":"disabled","include":["reasoning.encrypted_content"],"parallel_tool_calls":true,"service_tier":"auto"}`},
		{"/v1/messages", `{` + question + `,"tools":[],"tool_choice":{"type":"auto"},"thinking":{"type":"adaptive"},"service_tier":"auto"}`},
	} {
		if w := ask(s, c[0], c[1]); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", c[1], w.Code, w.Body)
		}
	}
}

// Who speaks Anthropic's API is answered so, whatever goes wrong, and by the list of models too.
func TestAnthropicForms(t *testing.T) {
	m, _ := fakeModel("demo", ids(t, "a")...)
	s := serving(t, m, Options{Keys: []string{"secret"}})
	version := []string{"Anthropic-Version", "2023-06-01"}
	for _, c := range []struct {
		path, key, kind string
		status          int
	}{
		{"/v1/messages", "wrong", "authentication_error", 401}, {"/v1/messages/batches", "secret", "not_found_error", 404}, {"/v1/models/other", "secret", "not_found_error", 404},
	} {
		w := ask(s, c.path, `{}`, append(version, "X-Api-Key", c.key)...)
		if c.path == "/v1/models/other" {
			w = get(s, c.path, append(version, "X-Api-Key", c.key)...)
		}
		if v := decoded(t, w); w.Code != c.status || v["type"] != "error" || at(v, "error", "type") != c.kind {
			t.Errorf("%s: %d %v", c.path, w.Code, v)
		}
	}
	list := decoded(t, get(s, "/v1/models", append(version, "X-Api-Key", "secret")...))
	if at(list, "data", 0, "type") != "model" || list["first_id"] != "demo" || list["has_more"] != false || at(list, "data", 0, "max_input_tokens") != float64(m.Context) {
		t.Errorf("the models are %v", list)
	}
	if one := decoded(t, get(s, "/v1/models/demo:r4", append(version, "X-Api-Key", "secret")...)); one["display_name"] != "demo:r4" {
		t.Errorf("the model is %v", one)
	}
}

// A budget is an effort that does not fall as it grows.
func TestBudgets(t *testing.T) {
	for tokens, want := range map[int]string{1: "low", 1024: "low", 1025: "medium", 16384: "high", 16385: "xhigh", maxTokens: "xhigh"} {
		if got := budgetEffort(tokens); got != want {
			t.Errorf("%d tokens are %s, want %s", tokens, got, want)
		}
	}
	m, _ := fakeModel("demo")
	if m.Chat.Thinking != "" || decode.EffortOf("max") == nil {
		t.Fatal("the demo's chat form has thinking to ask for")
	}
}
