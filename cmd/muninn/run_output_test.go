package main

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
)

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestRunCannotWrite(t *testing.T) {
	for _, args := range [][]string{{"-q"}, {"-q", "--json"}} {
		var errs strings.Builder
		s := cli.NewStreams(strings.NewReader(""), fullDisk{}, &errs, noEnv)
		code := cli.Execute(context.Background(), s, commands(), append([]string{"run", "demo", chain, "--device", firstDevice(t)}, args...))
		if code != cli.ExitFailure || !strings.Contains(errs.String(), "cannot write the answer: no space left on device") {
			t.Errorf("exit status %d, %s", code, errs.String())
		}
	}
}

// A standard output that was closed before the start loses nothing in silence.
func TestClosedOutput(t *testing.T) {
	for _, c := range []struct {
		line string
		want int
	}{{"version >&-", cli.ExitFailure}, {"help >&-", cli.ExitFailure}, {"version >/dev/null", cli.ExitOK}, {"version <>/dev/null >&0", cli.ExitOK}} {
		cmd := program(nil)
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `"$0" ` + c.line, cmd.Path}
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != c.want || c.want != 0 && !strings.Contains(string(out), "standard output is closed") {
			t.Errorf("%s: %v, exit status %d, want %d: %s", c.line, err, code, c.want, out)
		}
	}
}

func TestTokenWriter(t *testing.T) {
	tokens := []decode.Token{
		{Choice: decode.Choice{Token: 7, Steps: 2, LogProb: -0.5, Margin: 1.25, Top: []decode.Likely{{Token: 7, LogProb: -0.5}}}, Text: "<a"},
		{Choice: decode.Choice{Token: 8, Steps: 2, LogProb: float32(math.Inf(-1)), Margin: float32(math.NaN())}},
		{Choice: decode.Choice{Token: 9}, Text: "hm", Thinking: true},
		{Choice: decode.Choice{Token: -1}, Text: "\uFFFD"},
	}
	for _, c := range []struct {
		json, text bool
		want       string
	}{
		{true, true, `{"id":7,"text":"<a","steps":2,"logprob":-0.5,"margin":1.25,"top_logprobs":[{"id":7,"logprob":-0.5}]}
{"id":8,"text":"","steps":2,"logprob":null,"margin":null}
{"id":9,"text":"hm","steps":0,"logprob":0,"margin":0,"thinking":true}
{"text":"` + "\uFFFD" + `"}
`},
		{false, true, "<a\x1b[2mhm\x1b[0m\uFFFD"},
		{false, false, "7 8 \x1b[2m9 \x1b[0m"},
	} {
		var out strings.Builder
		s := cli.NewStreams(nil, &out, io.Discard, noEnv)
		s.Color = "always"
		w := newTokenWriter(s, c.json, c.text)
		for _, token := range tokens {
			if err := w.token(token); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != c.want {
			t.Errorf("json %t, text %t:\n%s\nwant\n%s", c.json, c.text, out.String(), c.want)
		}
	}
}

func TestFinite(t *testing.T) {
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		if finite(float64(x)) != nil {
			t.Errorf("%v is no number for JSON", x)
		}
	}
	if got := finite(-1.5); got == nil || *got != -1.5 {
		t.Errorf("-1.5 became %v", got)
	}
}
