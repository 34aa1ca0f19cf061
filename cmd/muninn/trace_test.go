package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/trace"
)

// traceRun traces the chain and reads the JSON.
func traceRun(t *testing.T, args ...string) *trace.Trace {
	t.Helper()
	o := invoke(append([]string{"trace", "demo", chain, "-q", "-o", "-"}, args...)...)
	if o.code != cli.ExitOK {
		t.Fatalf("%v: exit status %d, %s", args, o.code, o.err)
	}
	return readTrace(t, o.out)
}

func readTrace(t *testing.T, text string) *trace.Trace {
	t.Helper()
	var tr trace.Trace
	if err := json.Unmarshal([]byte(text), &tr); err != nil {
		t.Fatal(err)
	}
	return &tr
}

// TestTraceAgrees: the tokens and their core steps are those of a run, whatever ends them, and each token is what the step of its
// exit held to be the likeliest.
func TestTraceAgrees(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		runs := []string{
			"-r 12 -n 3 --criterion latent-diff", "-r 9 -n 3 --criterion kl --do-not-exit-in-prefill",
			"-r 8 -n 3 --criterion acceleration --continuous-compute", "-r 4 -n 3 --continuous-compute", "-r 4 -n 3 --test-time-noise 0.05",
			"-r 4 -n 3 --cache-lookup-strategy latest-m4-compress-s2",
		}
		if device != firstDevice(t) {
			runs = runs[:2]
		}
		for _, flags := range runs {
			args := append(strings.Fields(flags), "--device", device)
			run := parseAnswer(t, invoke(append([]string{"run", "demo", chain, "--json"}, args...)...))
			tr := traceRun(t, append(args, "--starts", "0")...)
			first := run.sum.PromptTokens - 1
			if len(tr.Tokens) != first+len(run.tokens) || tr.Starts != nil || tr.MaxSteps != run.sum.Steps || tr.Criterion != run.sum.Criterion {
				t.Fatalf("%s: %d tokens, starts %v, %d steps, %s", flags, len(tr.Tokens), tr.Starts, tr.MaxSteps, tr.Criterion)
			}
			for i, token := range run.tokens {
				row := tr.Tokens[first+i]
				if row.Steps != token.Steps || len(row.Path) != run.sum.Steps || row.Prompt != (i == 0) {
					t.Errorf("%s, token %d: %d steps of %d, run took %d", flags, i, row.Steps, len(row.Path), token.Steps)
				}
				if top := row.Path[row.Steps-1].Top; top[0].ID != token.ID {
					t.Errorf("%s, token %d: %q was the likeliest, run said %q", flags, i, top[0].Text, token.Text)
				}
				if i > 0 && row.ID != run.tokens[i-1].ID {
					t.Errorf("%s, token %d is %d, run said %d", flags, i, row.ID, run.tokens[i-1].ID)
				}
			}
		}
	})
}

// TestTraceIsReproducible: the command line in the JSON gives the same JSON, whatever had been left to chance or to the model.
func TestTraceIsReproducible(t *testing.T) {
	for _, flags := range []string{
		"--temp 1.5 --seed random -r 5 -n 4 --starts 2 --criterion latent-diff --exit-threshold 0.2 --stop x --stop yy --test-time-noise 0.01",
		"--chat --repetition-penalty 1.3 -n 2 --quant q8_0 --keep core --continuous-compute -r 4 --starts 0",
	} {
		first := invoke(append([]string{"trace", "demo", "a,b c", "-q", "-o", "-", "--device", firstDevice(t)}, strings.Fields(flags)...)...)
		first.wants(t, cli.ExitOK, `"args":["trace","demo",`, "")
		tr := readTrace(t, first.out)
		again := invoke(append(tr.Run.Args, "-q", "-o", "-")...)
		if again.out != first.out || again.code != cli.ExitOK {
			t.Errorf("%v\ngives exit status %d, %s\n%.600s\nwant\n%.600s", tr.Run.Args, again.code, again.err, again.out, first.out)
		}
		if r := tr.Run; r.Program == "" || len(r.ModelKey) != 64 || r.Weights == "" || r.KV == "" || r.Lookup == "" {
			t.Errorf("%+v", r)
		}
	}
}

// TestTraceStarts: other initial states lead the question to the same end.
func TestTraceStarts(t *testing.T) {
	tr := traceRun(t, "--device", firstDevice(t), "-r", "16", "-n", "1", "--starts", "3", "--components", "2")
	s := tr.Starts
	if s == nil || s.Token != 6 || len(s.Paths) != 3 || len(s.Spread) != 17 || s.Spread[0] < 0.1 || s.Spread[16] > 1e-4 || len(tr.Explained) != 2 {
		t.Fatalf("%+v", s)
	}
	if own, path := tr.Tokens[6], s.Paths[0]; path.Components[0][0] != own.Start[0] || path.Components[16][1] != own.Path[15].Components[1] {
		t.Error("the first path is not the run's own")
	}
	if tr = traceRun(t, "--device", firstDevice(t), "-r", "4", "-n", "2", "--starts", "2", "--token", "2"); tr.Starts.Token != 2 {
		t.Errorf("starts of token %d, want 2", tr.Starts.Token)
	}
}

// TestTraceFiles: several at once, whole or not at all.
func TestTraceFiles(t *testing.T) {
	dir, device := t.TempDir(), firstDevice(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	args := []string{"trace", "demo", chain, "--device", device, "-r", "3", "-n", "2"}
	o := invoke(append(args, "-o", path("a.json"), "-o", path("a.HTML"), "-o", path("a.svg"))...)
	o.wants(t, cli.ExitOK, "", "trace: 7 tokens of prompt and 2 of answer (length)")
	o.wants(t, cli.ExitOK, "", "wrote "+path("a.svg"))
	for name, begins := range map[string]string{"a.json": `{"version":1,`, "a.HTML": "<!doctype html>", "a.svg": "<svg "} {
		data, err := os.ReadFile(path(name))
		if err != nil || !strings.HasPrefix(strings.ToLower(string(data)), begins) {
			t.Errorf("%s: %v, %.40q", name, err, data)
		}
	}
	invoke(append(args, "-o", path("gone/a.json"))...).wants(t, cli.ExitUsage, "", "cannot write the trace to "+path("gone/a.json"))
	invoke(append(args, "-o", path("b.json"), "--token", "7", "--stop", "k?", "-r", "1")...).wants(t, cli.ExitUsage, "", "--token 7: the text ended after position 6")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
		t.Errorf("%v, %v: want the three files and nothing else", left, err)
	}
}
