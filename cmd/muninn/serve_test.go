package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"muninn/cmd/muninn/cli"
)

// What cannot be served is refused before anything is loaded.
func TestServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for _, c := range []struct {
		args string
		code int
		err  string
	}{
		{"demo --host 0.0.0.0", cli.ExitUsage, "MUNINN_API_KEY"}, {"demo --host ::", cli.ExitUsage, "MUNINN_API_KEY"}, {"demo --port 70000", cli.ExitUsage, "--port 70000"},
		{"demo --parallel 0", cli.ExitUsage, "--parallel 0"}, {"demo --queue -1", cli.ExitUsage, "--queue -1"}, {"demo demo", cli.ExitUsage, "two models"},
		{"demo -r 9 --max-steps 8", cli.ExitUsage, "--max-steps 8"}, {"demo --cors-origin *", cli.ExitUsage, "origin"}, {"demo --ctx 300", cli.ExitUsage, "--ctx 300"},
		{"demo --port " + port, cli.ExitFailure, "in use by another program; --port "}, {"nowhere/", cli.ExitModel, "nowhere"},
	} {
		invoke(append([]string{"serve", "--device", firstDevice(t)}, strings.Fields(c.args)...)...).wants(t, c.code, "", c.err)
	}
	invoke("serve", "demo", "--plan", "--parallel", "3", "--ctx", "200", "--device", firstDevice(t)).wants(t, cli.ExitOK, "200 positions", "")
}

// Clients are told of no more positions than a request can have.
func TestServePositions(t *testing.T) {
	s := startServer(t, "serve", "demo", "--port", "0", "--ctx", "80", "--positions", "33")
	r, err := http.Get(s.url + "/props")
	if err != nil {
		t.Fatal(err)
	}
	if body := bodyOf(r); !strings.Contains(string(body), `"context":64`) {
		t.Errorf("with 33 positions in pages of 32: %s", body)
	}
}

// served is `muninn serve` in a process of its own, at a URL.
func served(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, url string, log *bytes.Buffer) {
	t.Helper()
	cmd = program(env, append([]string{"serve", "demo", "--port", "0", "--no-self-test", "--device", firstDevice(t)}, args...)...)
	log = &bytes.Buffer{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	return cmd, strings.TrimSpace(line), log
}

// A server answers, and says what it plans and what is asked in JSON, without keys; a signal ends it well.
func TestServe(t *testing.T) {
	cmd, url, log := served(t, []string{"MUNINN_API_KEY=one-secret, other-secret"}, "--log-format", "json")
	for key, want := range map[string]int{"": http.StatusUnauthorized, "other-secret": http.StatusOK} {
		r, err := http.NewRequest(http.MethodPost, url+"/v1/completions", strings.NewReader(`{"prompt":"k=d;d=a;a=3;k?","max_tokens":2,"echo":true,"logprobs":1}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body := bodyOf(answer)
		if answer.StatusCode != want {
			t.Errorf("with the key %q: %d", key, answer.StatusCode)
		}
		if want == http.StatusOK {
			echoIsScore(t, body)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	for line := range strings.Lines(log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has the line %q", line)
		}
	}
	for _, want := range []string{"plan of demo: 4 requests of 256 positions", `"status":401`, `"tokens":2`, "closed demo"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "k=d") {
		t.Errorf("the log tells keys or prompts: %s", log)
	}
}

// echoIsScore: an answer's echo has the log probabilities that the verb score gives, and two tokens more.
func echoIsScore(t *testing.T, body string) {
	t.Helper()
	var answer struct {
		Choices []struct {
			Logprobs struct{ Token_logprobs []float64 }
		}
	}
	var item struct{ Loglikelihood float64 }
	o := invoke("score", "demo", file(t, `{"text":"k=d;d=a;a=3;k?"}`), "--json", "-q", "--no-self-test", "--device", firstDevice(t))
	line, _, _ := strings.Cut(o.out, "\n")
	if err := errors.Join(json.Unmarshal([]byte(body), &answer), json.Unmarshal([]byte(line), &item)); err != nil {
		t.Fatalf("%v: %s, %s %s", err, body, o.out, o.err)
	}
	sum, list := 0.0, answer.Choices[0].Logprobs.Token_logprobs
	for _, p := range list[:len(list)-2] {
		sum += p
	}
	if math.Abs(sum-item.Loglikelihood) > 1e-4 || sum > -1 {
		t.Errorf("the echo gives %g, score %g", sum, item.Loglikelihood)
	}
}

// A second signal does not wait for what runs, which here takes minutes.
func TestServeSecondSignal(t *testing.T) {
	cmd, url, _ := served(t, nil, "--max-steps", "60000", "--cache-lookup-strategy", "compress-anchor")
	began := make(chan bool)
	go func() {
		r, err := http.Post(url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"k?","max_tokens":2,"num_steps":60000}`))
		if err == nil {
			r.Body.Close()
			t.Errorf("answered with %d", r.StatusCode)
		}
		close(began)
	}()
	for running := false; !running; time.Sleep(10 * time.Millisecond) {
		r, err := http.Get(url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		running = strings.Contains(bodyOf(r), `muninn_requests_running{model="demo"} 1`)
	}
	interrupt := func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	for stopping := false; !stopping; time.Sleep(10 * time.Millisecond) { // it listens no more
		r, err := http.Get(url + "/health")
		if stopping = err != nil; !stopping {
			r.Body.Close()
		}
	}
	interrupt()
	wantsExit(t, cmd.Wait(), 130)
	<-began
}

func bodyOf(r *http.Response) string {
	defer r.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(r.Body)
	return b.String()
}
