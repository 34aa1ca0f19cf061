package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// streamedAnswer is what a stream has of an answer, and in what order things came.
type streamedAnswer struct {
	text, finish, order string
	steps               []int
	usage               map[string]any
	pieces              []string
}

func readStream(t *testing.T, text string) (s streamedAnswer) {
	t.Helper()
	for line := range strings.Lines(text) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var e struct {
			Token   *struct{ Prompt bool }
			Trace   *struct{ Answer, Finish_reason string }
			Prompt  *struct{ Read, Of int }
			Choices []struct {
				Text   string
				Delta  struct{ Content string }
				Finish *string `json:"finish_reason"`
				Steps  []int   `json:"x_steps"`
			}
			Usage map[string]any
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		switch {
		case e.Token != nil && e.Token.Prompt:
			s.order += "p"
		case e.Token != nil:
			s.order += "t"
		case e.Trace != nil:
			s.order += "T"
			if e.Trace.Answer != s.text || e.Trace.Finish_reason != s.finish {
				t.Errorf("the trace says %q, %s; the stream %q, %s", e.Trace.Answer, e.Trace.Finish_reason, s.text, s.finish)
			}
		}
		if e.Usage != nil {
			s.usage, s.order = e.Usage, s.order+"u"
		}
		for _, c := range e.Choices {
			if c.Finish != nil {
				s.finish = *c.Finish
			}
			if len(c.Steps) > 0 {
				s.order += "a"
			}
			s.steps = append(s.steps, c.Steps...)
			s.text += c.Text + c.Delta.Content
			s.pieces = append(s.pieces, c.Text+c.Delta.Content)
		}
	}
	return s
}

// TestTracedAnswer: an answer that is recorded is the one that is not: its pieces, steps, end and usage; and it comes with its rows, one by one.
func TestTracedAnswer(t *testing.T) {
	url := pageServer(t)
	for i, c := range []struct{ path, body string }{
		{"/v1/completions", fmt.Sprintf(`"prompt":%q,"num_steps":1,"max_tokens":12,"stop":";","temperature":0`, chain)},
		{"/v1/completions", fmt.Sprintf(`"prompt":%q,"num_steps":6,"max_tokens":9,"temperature":1.5,"last":2`, chain)},
		{"/v1/completions", fmt.Sprintf(`"prompt":%q,"num_steps":16,"max_tokens":9,"temperature":1,"criterion":"latent-diff","exit_threshold":0.05,"records":3`, chain)},
		{"/v1/chat/completions", fmt.Sprintf(`"messages":[{"role":"user","content":%q}],"num_steps":4,"max_tokens":9,"temperature":2,"stop":["\n","3"]`, chain)},
		{"/v1/chat/completions", fmt.Sprintf(`"messages":[{"role":"user","content":%q}],"num_steps":8,"max_tokens":9,"temperature":0,"criterion":"kl","min_steps":2`, chain)},
	} {
		body := fmt.Sprintf(`{%s,"seed":%d,"return_steps":true,"stream":true,"stream_options":{"include_usage":true}}`, c.body, i)
		var got [2]streamedAnswer
		for k, path := range []string{c.path, "/v1/trace"} { // the second of which takes nothing that the first has left
			status, text := post(t, url+path, body)
			if status != http.StatusOK {
				t.Fatalf("%s %s: %d %s", path, body, status, text)
			}
			got[k] = readStream(t, text)
		}
		plain, traced := got[0], got[1]
		if a, b := fmt.Sprint(traced.pieces, traced.steps, traced.finish, traced.usage), fmt.Sprint(plain.pieces, plain.steps, plain.finish, plain.usage); a != b || plain.text == "" || plain.finish == "" || plain.usage == nil {
			t.Errorf("%s\ntraced %s\nchat   %s", body, a, b)
		}
		rows := strings.TrimLeft(strings.TrimSuffix(traced.order, "Tu"), "p")
		if want := "a" + strings.Repeat("ta", len(traced.steps)-1); strings.Contains(c.body, "records") {
			want = "a" + strings.Repeat("ta", 3) + strings.Repeat("a", len(traced.steps)-4)
			if rows != want {
				t.Errorf("%s: it came as %s, want %s", body, rows, want)
			}
		} else if rows != want || !strings.HasPrefix(traced.order, "pp") {
			t.Errorf("%s: it came as %s, want pp…%sTu", body, traced.order, want)
		}
	}
}
