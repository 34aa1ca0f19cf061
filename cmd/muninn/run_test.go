package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"muninn/model"
	"muninn/shaders"
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
	if o.code != exitOK {
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
		if s.Finish != model.FinishLength || s.Tokens != 2 || s.PromptTokens != 7 || s.Steps != 2 || !strings.Contains(s.Device, device) ||
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
			if o.code != exitOK || o.out != "3;" {
				t.Errorf("%v: exit status %d, %q, %s", settings, o.code, o.out, o.err)
			}
		}
	})
}

func TestRunEnds(t *testing.T) {
	device := firstDevice(t)
	full := parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "1", "--ctx", "8", "--device", device))
	if full.sum.Finish != model.FinishContext || full.sum.Tokens != 2 { // 7 tokens of prompt, the 8th, and the one after it
		t.Errorf("context of 8: %+v", full.sum)
	}
	stopped := parseAnswer(t, invoke("run", "demo", chain, "--json", "-r", "1", "--stop", "a?", "--device", device))
	if stopped.sum.Finish != model.FinishStop || stopped.text != "k?d?" {
		t.Errorf("stop text: %q, %+v", stopped.text, stopped.sum)
	}
	own := parseAnswer(t, invoke("run", "demo", chain, "--json", "--device", device))
	if own.sum.Finish != model.FinishStop || own.sum.Steps != 8 {
		t.Errorf("the model's own end at its own depth: %+v", own.sum)
	}
	// What is asked for beside the answer goes to standard error.
	o := invoke("run", "demo", chain, "--stats", "--profile", "-n", "3", "-q", "--device", device)
	o.wants(t, exitOK, "3;", "tok/s")
	o.wants(t, exitOK, "", "logits hash")
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
	cancel(interrupted{2})
	o := invocation{ctx: ctx}.run("run", "demo", chain, "--json", "--device", firstDevice(t))
	o.wants(t, 130, `"finish_reason":"interrupted"`, "")
	if strings.Contains(o.err, "muninn: ") {
		t.Errorf("an interrupt needs no message: %s", o.err)
	}
}

func firstDevice(t *testing.T) (name string) {
	t.Helper()
	eachDevice(t, func(_ *testing.T, device string) { name = device })
	return name
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestRunCannotWrite(t *testing.T) {
	for _, args := range [][]string{{"-q"}, {"-q", "--json"}} {
		var errs strings.Builder
		s := &streams{in: strings.NewReader(""), out: fullDisk{}, err: &errs, color: "never", env: func(string) (string, bool) { return "", false }}
		code := execute(context.Background(), s, commands(), append([]string{"run", "demo", chain, "--device", firstDevice(t)}, args...))
		if code != exitFailure || !strings.Contains(errs.String(), "cannot write the answer: no space left on device") {
			t.Errorf("exit status %d, %s", code, errs.String())
		}
	}
}

func TestSamplingOptions(t *testing.T) {
	greedy := model.GenerationConfig{Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1}
	drawn := model.GenerationConfig{DoSample: true, Temperature: 0.7, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}
	for _, c := range []struct {
		g    model.GenerationConfig
		args string
		want model.Sampling
	}{
		{greedy, "", model.Sampling{Greedy: true, Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--temp 0.5", model.Sampling{Temperature: 0.5, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--min-p 0.1 --seed 3", model.Sampling{Temperature: 1, TopK: 50, TopP: 1, MinP: 0.1, RepetitionPenalty: 1, Seed: 3}},
		{greedy, "--top-k 0", model.Sampling{Temperature: 1, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--repetition-penalty 1.3", model.Sampling{Greedy: true, Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1.3}},
		{greedy, "--temp 0.5 --greedy", model.Sampling{Greedy: true, Temperature: 0.5, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{drawn, "", model.Sampling{Temperature: 0.7, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{drawn, "--temp 0", model.Sampling{Greedy: true, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{drawn, "--repetition-penalty 1 --top-p 1", model.Sampling{Temperature: 0.7, TopK: 20, TopP: 1, MinP: 0.05, RepetitionPenalty: 1, DRYBase: 1.75, DRYAllowedLength: 2}},
	} {
		var o samplingOptions
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		o.AddFlags(fs)
		if err := fs.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		got, err := o.sampling(&streams{err: io.Discard}, c.g)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v\nwant %+v", c.args, got, err, c.want)
		}
	}
}

// A random seed is said, so that the run can be repeated.
func TestRandomSeed(t *testing.T) {
	var errs strings.Builder
	s := &streams{err: &errs, color: "never"}
	seed, err := (&samplingOptions{Seed: "random"}).seed(s)
	if err != nil || errs.String() != fmt.Sprintf("seed %d\n", seed) {
		t.Errorf("%d, %v, %q", seed, err, errs.String())
	}
}

// The weights that one token reads, counted by hand for the demo: width 128, MLP 352, vocabulary 960, 1/2/1 blocks, bf16.
func TestTraffic(t *testing.T) {
	ck, err := openCheckpoint("demo")
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	const d, m, vocab = 128, 352, 960
	const block = 3*d*d + d*d + 2*m*d + m*d + 4*d + 2*d
	for _, steps := range []int{0, 1, 8} {
		want := uint64(2 * (block + steps*(2*block+2*d*d) + block + d + vocab*d))
		if got := traffic(ck, nil, steps); got != want {
			t.Errorf("%d steps: %d bytes, want %d", steps, got, want)
		}
	}
	f32 := shaders.F32
	if a, b := traffic(ck, &f32, 8), traffic(ck, nil, 8); a < b*19/10 || a > 2*b { // norms keep their format
		t.Errorf("%d bytes in f32, %d in bf16", a, b)
	}
}

func TestFinite(t *testing.T) {
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		if finite(x) != nil {
			t.Errorf("%v is no number for JSON", x)
		}
	}
	if got := finite(-1.5); got == nil || *got != -1.5 {
		t.Errorf("-1.5 became %v", got)
	}
}

func TestPromptFiles(t *testing.T) {
	device := firstDevice(t)
	run := []string{"run", "demo", "-q", "-n", "1", "--device", device}
	for _, content := range []string{chain, chain + "\n", chain + "\r\n"} {
		invoke(append(run, "--file", file(t, content))...).wants(t, exitOK, "3;", "")
	}
	invoke(append(run, "--file", file(t, "\n"))...).wants(t, exitUsage, "", "is empty")
	invoke(append(run, "--file", t.TempDir())...).wants(t, exitUsage, "", "is a directory")
	o := invoke("run", "demo", "-n", "1", "--device", device, "\xffk=3;k?")
	o.wants(t, exitOK, "", "not valid UTF-8")
	// A long prompt is refused before anything is loaded.
	o = invoke("run", "demo", strings.Repeat("é", 300), "--device", device)
	o.wants(t, exitUsage, "", "the context 256 positions")
	if strings.Contains(o.err, "device") {
		t.Errorf("the device was opened: %s", o.err)
	}
}
