package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"muninn/model/trace"
)

// pageServer is `muninn demo --page` in this process, until the test ends.
func pageServer(t *testing.T, args ...string) (url string) {
	t.Helper()
	return startServer(t, append([]string{"demo", "--page"}, args...)...).url
}

// post sends JSON and returns the status and what came.
func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(data)
}

// leave posts JSON and goes when the first of the answer has come.
func leave(t *testing.T, url, body string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if line, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, `data: {"`) {
		t.Fatalf("%q, %v", line, err)
	}
}

// TestServedTrace: what a server traces is what the verb traces, whole and token by token; what it cannot trace it refuses by name.
func TestServedTrace(t *testing.T) {
	url := pageServer(t)
	verb := traceRun(t, "-r", "6", "-n", "4", "--stop", ";", "--starts", "3", "--components", "2", "--device", firstDevice(t), "--greedy", "--kv-type", "f32")
	body := fmt.Sprintf(`{"prompt":%q,"num_steps":6,"max_tokens":4,"stop":";","temperature":0,"starts":3`, chain)
	status, text := post(t, url+"/v1/trace", body+"}")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	served := readTrace(t, text)
	sameTrace(t, verb.Tokens, served.Tokens)
	if len(served.Starts.Paths) != 3 || served.Prompt != verb.Prompt || !strings.Contains(text, `"finish_reason":"stop"`) {
		t.Errorf("%d starts, prompt %q, want 3 and %q; %.200s", len(served.Starts.Paths), served.Prompt, verb.Prompt, text)
	}
	_, text = post(t, url+"/v1/trace", body+`,"last":3,"stream":true}`)
	streamed, whole := streamedTrace(t, text)
	sameTrace(t, verb.Tokens[len(verb.Tokens)-len(streamed):], streamed)
	sameTrace(t, streamed, whole.Tokens)
	if first := streamed[0].Pos; first != len(served.Tokens)-len(streamed) || !streamed[0].Prompt || len(streamed[0].Start) != 2 {
		t.Errorf("the first token told is at %d: %+v", first, streamed[0])
	}
	leave(t, url+"/v1/trace", fmt.Sprintf(`{"prompt":%q,"num_steps":32,"max_tokens":200,"stream":true}`, chain))
	if status, text := post(t, url+"/v1/completions", body[:len(body)-len(`,"starts":3`)]+"}"); status != http.StatusOK {
		t.Errorf("after a client that went: %d %s", status, text)
	}
	for field, want := range map[string]string{
		`,"num_steps":0`: "a core step at least", `,"components":9`: "2 to 6", `,"at":99`: "positions 0 to", `,"num_steps":64`: "--max-steps",
		`,"n":2`: "one answer", `,"starts":17`: "0 to 16", `,"continuous_compute":true,"starts":2`: "continuous_compute", `,"logprobs":1`: "logprobs",
	} {
		status, text := post(t, url+"/v1/trace", fmt.Sprintf(`{"prompt":%q,"max_tokens":2%s}`, chain, field))
		if status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %q", field, status, text, want)
		}
	}
}

// sameTrace compares what does not depend on the other tokens of a trace: states at every step, logits at the last. Between, what
// coda and head make of a state depends on how far the tokens before it are, which those recorded with it are as far as it is.
func sameTrace(t *testing.T, want, got []trace.Token) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d tokens, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if w.ID != g.ID || w.Pos != g.Pos || w.Steps != g.Steps || w.Prompt != g.Prompt || !slices.EqualFunc(w.Path, g.Path, func(a, b trace.Step) bool {
			near := func(x, y trace.Real) bool { return max(x-y, y-x) <= 0.02*max(x, y)+1e-3 } // passes of other widths round otherwise
			return near(a.Residual, b.Residual)
		}) || w.Path[len(w.Path)-1].Top[0].ID != g.Path[len(g.Path)-1].Top[0].ID {
			t.Errorf("token %d: %+v\nwant %+v", i, g, w)
		}
	}
}

// streamedTrace reads the events of a trace.
func streamedTrace(t *testing.T, text string) (tokens []trace.Token, whole trace.Trace) {
	t.Helper()
	var rest bytes.Buffer
	for line := range strings.Lines(text) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		event := struct {
			Token *trace.Token
			Trace *trace.Trace
		}{}
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		if event.Token != nil {
			tokens = append(tokens, *event.Token)
		}
		if event.Trace != nil {
			whole = *event.Trace
		}
		rest.WriteString(data)
	}
	if len(tokens) == 0 || !strings.HasSuffix(strings.TrimSpace(text), "data: [DONE]") {
		t.Fatalf("events: %.300s", rest.String())
	}
	return tokens, whole
}

func TestBrowser(t *testing.T) {
	for _, c := range []struct {
		system, screen, want string
	}{{"windows", "", "rundll32"}, {"darwin", "", "open"}, {"linux", ":0", "xdg-open"}, {"linux", "", ""}, {"freebsd", ":1", "xdg-open"}} {
		command := browser(c.system, func(name string) (string, bool) { return c.screen, name == "DISPLAY" }, "http://127.0.0.1:1")
		if got := strings.Join(command[:min(len(command), 1)], ""); got != c.want {
			t.Errorf("%s with screen %q: %q, want %q", c.system, c.screen, got, c.want)
		}
	}
}

// TestPageIsServed: the page is at / for whoever comes, unless it is not wanted.
func TestPageIsServed(t *testing.T) {
	for _, c := range []struct {
		noUI bool
		want int
	}{{false, http.StatusOK}, {true, http.StatusNotFound}} {
		mux := http.NewServeMux()
		(&serveOptions{NoUI: c.noUI}).routes(mux, nil)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != c.want {
			t.Errorf("no page %t: %d, want %d", c.noUI, w.Code, c.want)
		}
	}
}
