package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/vk/vktest"
)

const chain = "f=k;k=d;d=a;a=3;m=5;f?"

// answer is what a run with --json printed.
type answer struct {
	tokens []tokenLine
	text   string
	sum    summary
	lines  []string // of the tokens
}

// parseAnswer fails the test unless every line is an object and the last one, and only it, is the summary.
func parseAnswer(t *testing.T, o outcome) answer {
	t.Helper()
	if o.code != cli.ExitOK {
		t.Fatalf("exit status %d: %s", o.code, o.err)
	}
	var a answer
	for line := range strings.Lines(o.out) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if a.sum.Finish != "" {
			t.Fatalf("a line after the summary: %s", line)
		}
		if _, last := fields["finish_reason"]; last {
			if fields["strategy"] == nil {
				t.Errorf("the summary names no strategy: %s", line)
			}
			if err := json.Unmarshal([]byte(line), &a.sum); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var token tokenLine
		if err := json.Unmarshal([]byte(line), &token); err != nil {
			t.Fatal(err)
		}
		a.text += token.Text
		a.lines = append(a.lines, line)
		if _, ok := fields["id"]; ok {
			a.tokens = append(a.tokens, token)
		}
	}
	if a.sum.Finish == "" {
		t.Fatalf("no summary in %s", o.out)
	}
	return a
}

func TestRunJSON(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		a := parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "2", "-n", "2", "--device", device))
		if a.text != "d?3;" || len(a.tokens) != 2 {
			t.Errorf("text %q in %d tokens", a.text, len(a.tokens))
		}
		for _, token := range a.tokens {
			if token.Steps != 2 || token.LogProb == nil || *token.LogProb > 0 || token.Margin == nil || *token.Margin < 0 {
				t.Errorf("token %+v", token)
			}
		}
		s := a.sum
		if s.Finish != decode.FinishLength || s.Tokens != 2 || s.PromptTokens != 7 || s.Steps != 2 || !strings.Contains(s.Device, device) ||
			s.Dispatches == 0 || s.Submissions == 0 || s.Recordings == 0 || s.BytesUp == 0 || s.BytesDown == 0 || s.DeviceBytes == 0 || len(s.LogitsHash) != 16 {
			t.Errorf("summary %+v", s)
		}
	})
}

// The same seed gives the same lines, greedy or sampled; another seed, other draws.
func TestRunIsRepeatable(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		// Hot enough that 12 draws of two seeds do not agree by chance.
		sampled := func(seed string) answer {
			return parseAnswer(t, invoke("run", "demo", "k=", "--json", "-r", "2", "-n", "12", "--temp", "4", "--top-k", "0", "--seed", seed, "--device", device))
		}
		a, b, other := sampled("7"), sampled("7"), sampled("8")
		if strings.Join(a.lines, "") != strings.Join(b.lines, "") || a.sum.LogitsHash != b.sum.LogitsHash {
			t.Errorf("seed 7 twice:\n%v\n%v", a.lines, b.lines)
		}
		if strings.Join(a.lines, "") == strings.Join(other.lines, "") || a.sum.Seed != 7 {
			t.Errorf("seeds 7 and 8 give the same: %v", a.lines)
		}
		one, two := parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "4", "-n", "4", "--device", device)),
			parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "4", "-n", "4", "--device", device))
		if strings.Join(one.lines, "") != strings.Join(two.lines, "") {
			t.Errorf("greedy twice:\n%v\n%v", one.lines, two.lines)
		}
	})
}

// What the settings that touch the device must not change: the answer.
func TestRunSettings(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		for _, settings := range [][]string{
			{"--quant", "f32"}, {"--quant", "f16"}, {"--quant", "bf16"}, {"--init-scale", "0"}, {"--steps-per-submit", "1"},
			{"--cache-lookup-strategy", "compress-s4"}, {"--cache-lookup-strategy", "full"}, {"--ctx", "8"}, {"--continuous-compute"},
			{"--seed", "18446744073709551615"},
		} {
			o := invoke(append([]string{"run", "demo", "-q", "--device", device, "-n", "1", chain}, settings...)...)
			if o.code != cli.ExitOK || o.out != "3;" {
				t.Errorf("%v: exit status %d, %q, %s", settings, o.code, o.out, o.err)
			}
		}
	})
}

func TestRunEnds(t *testing.T) {
	device := firstDevice(t)
	full := parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "1", "--ctx", "8", "--device", device))
	if full.sum.Finish != decode.FinishContext || full.sum.Tokens != 2 { // 7 tokens of prompt, the 8th, and the one after it
		t.Errorf("context of 8: %+v", full.sum)
	}
	stopped := parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "1", "--stop", "a?", "--device", device))
	if stopped.sum.Finish != decode.FinishStop || stopped.text != "k?d?" {
		t.Errorf("stop text: %q, %+v", stopped.text, stopped.sum)
	}
	own := parseAnswer(t, invoke("run", "demo", chain, "--json", "--device", device))
	if own.sum.Finish != decode.FinishStop || own.sum.Steps != 8 {
		t.Errorf("the model's own end at its own depth: %+v", own.sum)
	}
	// What is asked for beside the answer goes to standard error.
	o := invoke("run", "demo", chain, "--stats", "--profile", "-n", "3", "-q", "--device", device)
	o.wants(t, cli.ExitOK, "3;", "tok/s")
	o.wants(t, cli.ExitOK, "", "logits hash")
	if strings.Contains(o.out, "tok/s") || strings.Contains(o.out, "KERNEL") || !strings.Contains(o.err, "attention") {
		t.Errorf("output %q, errors %q", o.out, o.err)
	}
	chat := parseAnswer(t, invoke("run", "demo", "hi", "--chat", "--system", "Be brief.", "--json", "-n", "1", "--device", device))
	if chat.sum.PromptTokens < 20 {
		t.Errorf("chat prompt of %d tokens", chat.sum.PromptTokens)
	}
}

// A run that is stopped says so in its last line and gives the signal's exit status.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cli.Interrupted{Signal: 2})
	o := invocation{ctx: ctx}.run("run", "demo", chain, "--json", "--device", firstDevice(t))
	o.wants(t, 130, `"finish_reason":"interrupted"`, "\ninterrupted\n")
	if strings.Contains(o.err, "muninn: ") {
		t.Errorf("an interrupt is no error: %s", o.err)
	}
}

func firstDevice(t *testing.T) string {
	t.Helper()
	return vktest.Names()[0]
}

// A lookup strategy that is not supported is named.
func TestRunUnknownLookup(t *testing.T) {
	for _, name := range []string{"latest", "randomized", "compress-s3"} {
		o := invoke("run", "demo", "x", "--cache-lookup-strategy", name)
		o.wants(t, cli.ExitUsage, "", fmt.Sprintf("lookup strategy %q", name))
	}
}

// Flags that change nothing say so, and what is asked for by name is printed under -q.
func TestIdleFlags(t *testing.T) {
	device := firstDevice(t)
	for flag, value := range map[string]string{"activations": "q8", "no-cache": "true", "keep": "core"} {
		run := []string{"run", "demo", chain, "-n", "1", "--device", device, "--" + flag + "=" + value}
		invoke(run...).wants(t, cli.ExitOK, "3;", "--"+flag+" changes nothing")
		invocation{env: map[string]string{"MUNINN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")): value}}.run(run[:len(run)-1]...).wants(t, cli.ExitOK, "", " changes nothing")
		o := invoke(append(run, "--quant", "q8_0", "--keep", "core=f32")...)
		if o.code != cli.ExitOK || strings.Contains(o.err, "changes nothing") {
			t.Errorf("--%s with q8_0: exit status %d, %s", flag, o.code, o.err)
		}
	}
	invoke("run", "demo", chain, "-n", "1", "--device", device, "-q", "--compare-plain", "--criterion", "kl").wants(t, cli.ExitOK, "", "plain at r = 8")
}
