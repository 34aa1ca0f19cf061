package serve

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/tokenizer"
	"muninn/vk"
)

// A response has the fields that clients want, says what it took, and keeps nothing.
func TestResponses(t *testing.T) {
	m, f := fakeModel("demo", ids(t, "hi, you")...)
	s := serving(t, m, Options{})
	v := decoded(t, ask(s, "/v1/responses", `{"input":[{"role":"user","content":[{"type":"input_text","text":"a=3;"}]},{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":"3"},{"role":"user","content":"a?"}],
		"max_output_tokens":7,"return_steps":true,"reasoning":{"effort":"low","summary":"auto"},"store":true,"include":["message.output_text.logprobs"],"top_logprobs":1,"metadata":{"k":"v"}}`))
	for _, c := range []struct {
		want any
		path []any
	}{
		{"response", []any{"object"}}, {"incomplete", []any{"status"}}, {"max_output_tokens", []any{"incomplete_details", "reason"}}, {false, []any{"store"}}, {"v", []any{"metadata", "k"}},
		{"message", []any{"output", 0, "type"}}, {"hi, you", []any{"output", 0, "content", 0, "text"}}, {"incomplete", []any{"output", 0, "status"}}, {"low", []any{"reasoning", "effort"}},
		{7.0, []any{"usage", "output_tokens"}}, {0.0, []any{"usage", "input_tokens_details", "cached_tokens"}}, {2.0, []any{"x_steps", 6}}, {6.0, []any{"usage", "x_effective_layers"}},
		{-0.5, []any{"output", 0, "content", 0, "logprobs", 6, "logprob"}}, {7.0, []any{"max_output_tokens"}},
	} {
		if got := at(v, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if req := f.asked[0]; req.Steps != 2 || req.MaxTokens != 7 || req.Top != 1 {
		t.Errorf("asked for %+v", req)
	}
}

// named are the events of a stream whose names are those of their types.
func named(t *testing.T, body string) (types []string, list []map[string]any) {
	t.Helper()
	for frame := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		name, data, _ := strings.Cut(strings.TrimPrefix(frame, "event: "), "\n")
		e := events(t, strings.NewReader(data+"\n\n"))[0]
		if e["type"] != name {
			t.Errorf("the event %s is of type %v", name, e["type"])
		}
		types, list = append(types, name), append(list, e)
	}
	return types, list
}

// squeezed leaves out what is there twice in a row.
func squeezed(types []string) string {
	var all []string
	for i, name := range types {
		if i == 0 || name != types[i-1] {
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

// A stream has all events in their order; those without text are none, and their steps come with the next.
func TestResponsesStream(t *testing.T) {
	m, _ := fakeModel("demo", ids(t, "n\u00e9!")...)
	s := serving(t, m, Options{})
	types, list := named(t, ask(s, "/v1/responses", `{"input":"a=3;a?","instructions":"be brief","max_output_tokens":4,"stream":true,"return_steps":true}`).Body.String())
	if got := squeezed(types); got != "response.created response.in_progress response.output_item.added response.content_part.added response.output_text.delta response.output_text.done "+
		"response.content_part.done response.output_item.done response.incomplete" {
		t.Errorf("the events are %s", got)
	}
	text, steps := "", 0
	for i, e := range list {
		if e["sequence_number"] != float64(i) {
			t.Errorf("event %d has the number %v", i, e["sequence_number"])
		}
		if e["type"] == "response.output_text.delta" {
			text += e["delta"].(string)
			steps += len(e["x_steps"].([]any))
		}
	}
	last := list[len(list)-1]["response"]
	if text != "né!" || at(last, "output", 0, "content", 0, "text") != text || steps != 4 || len(at(last, "x_steps").([]any)) != 4 || at(last, "instructions") != "be brief" {
		t.Errorf("says %q, %d steps, at last %v", text, steps, last)
	}
}

// Thoughts are parts of their own, before what is said and between.
func TestParts(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/responses": "response.created response.in_progress response.output_item.added response.content_part.added response.reasoning_text.delta response.reasoning_text.done response.content_part.done response.output_item.done " +
			"response.output_item.added response.content_part.added response.output_text.delta response.output_text.done response.content_part.done response.output_item.done response.completed",
		"/v1/messages": "message_start content_block_start content_block_delta content_block_stop content_block_start content_block_delta content_block_stop message_delta message_stop",
	} {
		m, _ := thinker(t)
		s := serving(t, m, Options{})
		body := map[string]string{"/v1/responses": `{"input":"a?"`, "/v1/messages": `{"max_tokens":20,"messages":[{"role":"user","content":"a?"}]`}[path] + `,"return_steps":true`
		whole := decoded(t, ask(s, path, body+`}`))
		types, list := named(t, ask(s, path, body+`,"stream":true}`).Body.String())
		if got := squeezed(types); got != want {
			t.Errorf("%s: the events are\n%s, want\n%s", path, got, want)
		}
		got := fmt.Sprint(at(whole, "output", 0, "content", 0, "text"), at(whole, "output", 1, "content", 0, "text"), at(whole, "usage", "output_tokens_details", "reasoning_tokens"))
		if path == "/v1/messages" {
			got = fmt.Sprint(at(whole, "content", 0, "thinking"), at(whole, "content", 1, "text"), at(whole, "usage", "output_tokens_details", "thinking_tokens"))
		}
		if got != "hmyes4" {
			t.Errorf("%s says %v: %v", path, got, whole)
		}
		n := 0
		for _, e := range list {
			if steps, ok := e["x_steps"].([]any); ok && strings.HasSuffix(e["type"].(string), "delta") && e["type"] != "message_delta" {
				n += len(steps)
			}
		}
		if want := len(at(whole, "x_steps").([]any)); n != want-1 { // the token that ended it has no text
			t.Errorf("%s: deltas have %d steps, the whole %d", path, n, want)
		}
	}
}

// What goes wrong has the form of its dialect, before the first token and after.
func TestDialectErrors(t *testing.T) {
	for path, body := range map[string]string{"/v1/responses": `{"input":"a?"`, "/v1/messages": `{"max_tokens":20,"messages":[{"role":"user","content":"a?"}]`} {
		for at, want := range map[int]int{0: http.StatusInternalServerError, 3: http.StatusOK} {
			m, f := fakeModel("demo", ids(t, "abc")...)
			f.fails, f.failAt = fmt.Errorf("fence: %w", vk.ErrDeviceLost), at
			w := ask(serving(t, m, Options{}), path, body+`,"stream":true}`)
			text := w.Body.String()
			text = text[strings.LastIndex(text, "data: ")+1:]
			text = text[strings.Index(text, "{"):]
			if form := `{"error":{`; w.Code != want || path == "/v1/responses" && !strings.HasPrefix(text, form) || path == "/v1/messages" && !strings.HasPrefix(text, `{"type":"error","error":{"type":"api_error"`) {
				t.Errorf("%s, after %d passes: %d %s", path, at, w.Code, text)
			}
			if at > 0 && !strings.Contains(w.Body.String(), "event: error\n") {
				t.Errorf("%s: no event of the name error", path)
			}
		}
	}
}

// thinker is a model that thinks "hm", and says "yes".
func thinker(t *testing.T) (*Model, *fake) {
	t.Helper()
	ck, text := demoText()
	data, err := ck.TokenizerJSON()
	if err != nil {
		t.Fatal(err)
	}
	for i, mark := range []string{arch.ThinkBegin, arch.ThinkEnd} {
		token := fmt.Sprintf(`"added_tokens":[{"id":%d,"content":%q,"special":false,"normalized":false},`, text.Tokenizer.VocabSize()+i, mark)
		data = regexp.MustCompile(`"added_tokens":\s*\[`).ReplaceAllLiteral(data, []byte(token))
	}
	m, f := fakeModel("demo")
	if m.Tokenizer, err = tokenizer.Parse(data); err != nil {
		t.Fatal(err)
	}
	begin, _ := m.Tokenizer.ID(arch.ThinkBegin)
	end, _ := m.Tokenizer.ID(arch.ThinkEnd)
	f.says = slices.Concat([]int32{begin}, ids(t, "hm"), []int32{end}, ids(t, "yes"), m.StopIDs()[:1])
	return m, f
}
