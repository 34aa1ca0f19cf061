package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/score"
)

const scoreItems = `{"id":"q1","context":"k=d;d=a;a=3;k?","choices":["1;","2;","3;","4;"],"gold":2}
{"context":"k=d;d=b;a=3;b=7;k?","continuation":"7;"}
{"text":"k=d;d=a;a=3;k?3;k=d;d=a;a=3;k?3;"}
`

// Every item at every depth in JSON, in the file's order; the chain of two hops is right only when deep.
func TestScore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "items.jsonl")
	if err := os.WriteFile(file, []byte(scoreItems), 0o600); err != nil {
		t.Fatal(err)
	}
	device := firstDevice(t)
	o := invoke("score", "demo", file, "--device", device, "-r", "1,8", "--json", "-q", "--ctx", "9")
	o.wants(t, cli.ExitOK, "", "")
	lines := strings.Split(strings.TrimSpace(o.out), "\n")
	if len(lines) != 8 {
		t.Fatalf("%d lines: %s", len(lines), o.out)
	}
	for i, line := range lines {
		var item score.Line
		var sum score.Summary
		if i%4 == 3 {
			if err := json.Unmarshal([]byte(line), &sum); err != nil || sum.Items != 3 || sum.Texts != 1 || sum.Questions != 1 || sum.Continuations != 1 || sum.Perplexity == nil || (*sum.Accuracy == 1) != (i > 4) || (sum.Greedy == 1) != (i > 4) {
				t.Errorf("%s: %v", line, err)
			}
			continue
		}
		if err := json.Unmarshal([]byte(line), &item); err != nil || item.Line != i%4+1 || item.Steps != 1+7*(i/4) || (len(item.Choices) == 4) != (i%4 == 0) || strings.Contains(line, "Inf") {
			t.Errorf("%s: %v", line, err)
		}
	}
	invocation{stdin: scoreItems}.run("score", "demo", "-", "--device", device, "-r", "8", "-q", "--criterion", "kl").wants(t, cli.ExitOK, "r  texts  tokens  perplexity", "")
	invoke("score", "demo", file, "--device", device, "--ctx", "4").wants(t, cli.ExitUsage, "", "items.jsonl:1: context and choice 0 have 6 tokens, the context of this run 4 positions")
}

// What cannot be scored, and how, is told before anything is loaded.
func TestScoreRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"cannot read the items":               {"none.jsonl"},
		"--batch 0":                           {"-", "--batch", "0"},
		"--stride -1":                         {"-", "--stride", "-1"},
		"--num-steps x":                       {"-", "-r", "x"},
		"--continuous-compute has no meaning": {"-", "--continuous-compute"},
		"standard input:1: gold is 4":         {"-"},
	} {
		invocation{stdin: `{"context":"a","choices":["b"],"gold":4}`}.run(append([]string{"score", "demo"}, args...)...).wants(t, cli.ExitUsage, "", want)
	}
	invoke("score", "demo", "none.jsonl", "--plan-for", "6GiB", "--json").wants(t, cli.ExitOK, `"fits": true`, "")
}
