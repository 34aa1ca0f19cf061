package main

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/demo"
	"muninn/vk/vktest"
)

// TestDemoMeasures holds what the demo measures against what the model was trained to do: at num_steps = r it says what
// stands r definitions away, or the value if that is nearer.
func TestDemoMeasures(t *testing.T) {
	device := vktest.Names()[0] // what it says is the model's; the engine's own tests run on every driver
	o := invoke("demo", "--json", "--problems", "2", "--device", device)
	o.wants(t, cli.ExitOK, "{", "")
	if !strings.Contains(o.err, "measuring 2 problems of each length at 5 depths ...\n") {
		t.Errorf("standard error %q does not say what takes long", o.err)
	}
	var rep demoReport
	d := json.NewDecoder(strings.NewReader(o.out))
	d.DisallowUnknownFields()
	if err := d.Decode(&rep); err != nil {
		t.Fatalf("%v in %s", err, o.out)
	}
	if !strings.Contains(rep.Device, device) || !rep.Software || rep.Seed != 1 || rep.Seconds <= 0 {
		t.Errorf("device %q, software %v, seed %d, %g s", rep.Device, rep.Software, rep.Seed, rep.Seconds)
	}
	p, err := shownProblem(demo.Rand(rep.Seed))
	if err != nil || rep.Problem.Text != p.Text() || rep.Problem.Hops != demoHops {
		t.Fatalf("problem %+v, want that of seed 1: %q (%v)", rep.Problem, p.Text(), err)
	}
	checkAnswers(t, p, rep.Answers)
	checkInside(t, p, rep.Inside)
	checkAccuracy(t, rep.Accuracy)
	checkCounts(t, rep)
}

// spelled is the answer that the model was trained to give at a depth.
func spelled(p demo.Problem, steps int) (tokens []string) {
	for at := steps; ; at += steps {
		tokens = append(tokens, p.At(at))
		if at > p.Hops {
			return tokens
		}
	}
}

func checkAnswers(t *testing.T, p demo.Problem, answers []demoAnswer) {
	t.Helper()
	var want []demoAnswer
	for _, steps := range []int{1, 2, 4, 8, 16} {
		want = append(want, demoAnswer{Steps: steps, Tokens: spelled(p, steps), Right: true})
	}
	if !reflect.DeepEqual(answers, want) {
		t.Errorf("answers to %s: %+v, want %+v", p.Text(), answers, want)
	}
}

func checkInside(t *testing.T, p demo.Problem, inside []insideStep) {
	t.Helper()
	if len(inside) != demoInside {
		t.Fatalf("%d steps seen from inside, want %d", len(inside), demoInside)
	}
	for i, x := range inside {
		if x.Step != i+1 || x.Says != p.At(x.Step) {
			t.Errorf("after step %d the model says %q, want %q", x.Step, x.Says, p.At(x.Step))
		}
		// Measured for many problems: above 1 up to the value's step, about 0.5, 0.02, 0.002 after it.
		if found := x.Step > p.Hops; !found && x.Change < 0.8 || x.Step > p.Hops+3 && x.Change > 0.01 {
			t.Errorf("the change of step %d is %.4f", x.Step, x.Change)
		}
	}
}

// checkAccuracy holds the tables against the rule, two problems a cell. Single problems come out otherwise by chance: a value
// that is said too early, and is right one time in ten.
func checkAccuracy(t *testing.T, a accuracy) {
	t.Helper()
	if a.Problems != 2 || !reflect.DeepEqual(a.Steps, demoDepths) || !reflect.DeepEqual(a.Hops, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Fatalf("cells of %d problems, depths %v, hops %v", a.Problems, a.Steps, a.Hops)
	}
	lucky := 0
	for i, steps := range a.Steps {
		for h, hops := range a.Hops {
			want := math.Ceil(float64(hops+1) / float64(steps)) // tokens
			enough := steps > hops
			if enough && (a.AtOnce[i][h] != 1 || a.Tokens[i][h] != 1) || steps == 1 && hops > 0 && a.AtOnce[i][h] != 0 {
				t.Errorf("num_steps %d, %d hops: at once %g, %g tokens", steps, hops, a.AtOnce[i][h], a.Tokens[i][h])
			}
			if a.AtOnce[i][h] != 0 && !enough || a.Tokens[i][h] != want || a.Right[i][h] != 1 {
				lucky++
			}
		}
	}
	if lucky > 2 {
		t.Errorf("%d of 45 cells are off the rule: %+v", lucky, a)
	}
}

// checkCounts works the counters of a run out again, from the problems drawn and the answers in its report.
func checkCounts(t *testing.T, rep demoReport) {
	t.Helper()
	rng := demo.Rand(rep.Seed)
	var prompts, tokens, steps int
	count := func(p demo.Problem, said, r int) {
		prompt := len(p.Definitions) + 2 // begin token and question
		prompts, tokens, steps = prompts+prompt, tokens+said, steps+(prompt+said-1)*r
	}
	p, err := shownProblem(rng)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range rep.Answers {
		count(p, len(a.Tokens), a.Steps)
	}
	for r := range demoInside + 1 {
		count(p, 1, r)
	}
	for h, hops := range rep.Accuracy.Hops {
		for n := range rep.Accuracy.Problems {
			p, err := demo.Draw(rng, hops)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range rep.Accuracy.Steps {
				said := 1
				if n == 0 { // one for each problem, and with the first what the cell's problems said more
					said += int(math.Round((rep.Accuracy.Tokens[i][h] - 1) * float64(rep.Accuracy.Problems)))
				}
				count(p, said, r)
			}
		}
	}
	if rep.PromptTokens != prompts || rep.Tokens != tokens || rep.CoreSteps != steps {
		t.Errorf("%d prompt tokens, %d tokens, %d core steps; counted again: %d, %d, %d",
			rep.PromptTokens, rep.Tokens, rep.CoreSteps, prompts, tokens, steps)
	}
}

var lastLine = regexp.MustCompile(`\n[0-9.]+ s, `)

// On a pipe the demo is plain text of 80 columns, and apart from the time it is the same every time.
func TestDemoOnPipe(t *testing.T) {
	args := []string{"demo", "--problems", "1", "--seed", "3", "--device", vktest.Names()[0]}
	first := invoke(args...)
	first.wants(t, cli.ExitOK, "software: it computes on the CPU", "")
	for _, part := range []string{"1. One problem", "2. The same thought", "3. one fresh problem for", "seed    3", "muninn run demo -r 2", "core steps, on"} {
		first.wants(t, cli.ExitOK, part, "")
	}
	for _, line := range strings.Split(first.out, "\n") {
		if len(line) > 80 || line != strings.TrimRight(line, " ") {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
	if i := strings.IndexFunc(first.out, func(r rune) bool { return (r < ' ' || r > '~') && r != '\n' }); i >= 0 {
		t.Errorf("control character at %q", first.out[i:min(i+20, len(first.out))])
	}
	first.wants(t, cli.ExitOK, "", "measuring ")
	untimed := func(out string) string { return lastLine.ReplaceAllString(out, "\nT s, ") }
	second := invoke(args...)
	if a, b := untimed(first.out), untimed(second.out); a != b {
		t.Errorf("the same seed gave\n%s\nand\n%s", a, b)
	}
}

func TestDemoRefusals(t *testing.T) {
	for _, n := range []string{"0", "-1", "10001"} {
		invoke("demo", "--problems", n).wants(t, cli.ExitUsage, "", "--problems "+n)
	}
	invoke("demo", "--seed", "-1").wants(t, cli.ExitUsage, "", "--seed")
	invoke("demo", "extra").wants(t, cli.ExitUsage, "", "takes no arguments")
	invoke("demo", "--device", "nonesuch").wants(t, cli.ExitDevice, "", `"nonesuch"`)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	invocation{ctx: ctx}.run("demo", "--device", vktest.Names()[0]).wants(t, cli.ExitSignaled, "", "")
}

// Flags of the page mean nothing without it, and say so.
func TestDemoPageFlags(t *testing.T) {
	for _, flag := range []string{"--port=8080", "--no-browser"} {
		invoke("demo", flag, "--device", "none").wants(t, cli.ExitUsage, "", "give --page too")
	}
}
