package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/demo"
)

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// sampleReport is a made-up report with every shade in it.
func sampleReport() *demoReport {
	p := demo.Problem{Asked: 'k', Hops: 2, Chain: []byte("da3"), Definitions: []demo.Definition{
		{Name: 'm', Is: '5'}, {Name: 'k', Is: 'd'}, {Name: 'd', Is: 'a'}, {Name: 'a', Is: '3'}}}
	rep := &demoReport{Device: "Some GPU", Driver: "driver 1", Parameters: 960000, Bytes: 2 << 20, Seed: 1, Seconds: 1, problem: p,
		Problem: demoProblem{Text: p.Text(), Hops: 2, Chain: "da3"}, Accuracy: newAccuracy(8)}
	for i, steps := range demoDepths {
		rep.Answers = append(rep.Answers, demoAnswer{Steps: steps, Tokens: spelled(p, steps), Right: true})
		for h := range rep.Accuracy.Hops {
			rep.Accuracy.AtOnce[i][h] = float64(h) / 8
			rep.Accuracy.Right[i][h] = 1
			rep.Accuracy.Tokens[i][h] = float64(1 + h)
		}
	}
	for step := 1; step <= demoInside; step++ {
		rep.Inside = append(rep.Inside, insideStep{Step: step, Says: p.At(step), Change: 2 / float64(step*step)})
	}
	return rep
}

// shown is everything that a report looks like with a --color, live or not.
func shown(t *testing.T, color string, live bool) string {
	t.Helper()
	var out strings.Builder
	s := cli.NewStreams(nil, &out, &out, noEnv)
	s.Color = color
	d := newDemoScreen(s)
	d.live = live
	rep := sampleReport()
	d.header(rep)
	var threads []*thread
	for i, a := range rep.Answers {
		threads = append(threads, &thread{problem: rep.problem, seq: i, steps: a.Steps})
	}
	for round := range 2 {
		for i, a := range rep.Answers {
			threads[i].said, threads[i].done = a.Tokens[:1], false
			if round == 1 {
				threads[i].said, threads[i].done = a.Tokens, true
			}
		}
		if err := d.columns(context.Background(), threads, round+1, round == 1); err != nil {
			t.Fatal(err)
		}
	}
	d.canvas.Release()
	d.answered(rep)
	d.insideTable(rep)
	d.accuracyTables(rep)
	d.end(rep)
	return out.String()
}

// Colour adds to the text and takes nothing from it, so that the tables can be read without.
func TestDemoColour(t *testing.T) {
	plain, coloured := shown(t, "never", false), shown(t, "always", false)
	if strings.Contains(plain, "\x1b") {
		t.Error("escapes with --color never")
	}
	for _, shade := range shades[1:] {
		if !strings.Contains(coloured, shade) {
			t.Errorf("shade %s is not in the coloured demo", shade)
		}
	}
	trim := regexp.MustCompile(` +\n`)
	if got := trim.ReplaceAllString(sgr.ReplaceAllString(coloured, ""), "\n"); got != plain {
		t.Errorf("without its colours the coloured demo is\n%s\nwant\n%s", got, plain)
	}
	for _, sgr := range shades[1:] {
		if !strings.Contains(sgr, "38;5;") || !strings.Contains(sgr, "48;5;") {
			t.Errorf("shade %s leaves text or background to the terminal: unreadable on some", sgr)
		}
	}
}

// On a terminal the second drawing of the columns goes over the first, line for line.
func TestDemoRedraw(t *testing.T) {
	live := shown(t, "never", true)
	table := fmt.Sprint(1 + demoHops + 1 + 2) // head, the longest answer, core steps, verdict
	up := regexp.MustCompile("\x1b\\[([0-9]+)A").FindAllStringSubmatch(live, -1)
	if len(up) != 1 || up[0][1] != table {
		t.Errorf("cursor moves up by %v, want once by %s", up, table)
	}
	if hidden, back := strings.LastIndex(live, "\x1b[?25l"), strings.LastIndex(live, "\x1b[?25h"); hidden < 0 || back < hidden {
		t.Error("the cursor is not hidden while drawing, or stays hidden")
	}
	if strings.Count(live, "num_steps           1") != 2 {
		t.Error("the columns were not drawn twice")
	}
	if strings.Count(shown(t, "never", false), "num_steps           1") != 1 {
		t.Error("the columns were not printed once on a pipe")
	}
}

func TestDemoTextFollowsMeasurements(t *testing.T) {
	rep := sampleReport()
	if text := insideText(rep, "3;"); !strings.Contains(text, "after step 3 and stays") || !strings.Contains(text, "rest") {
		t.Errorf("%q", text)
	}
	rep.Inside[9].Change = 1
	if text := insideText(rep, "3;"); strings.Contains(text, "rest") {
		t.Errorf("a state that moves is said to rest: %q", text)
	}
	rep.Inside[9].Says = "5;"
	if text := insideText(rep, "3;"); !strings.Contains(text, "not there after 10 steps") {
		t.Errorf("%q", text)
	}
	a := newAccuracy(10)
	if text := accuracyText(a); !strings.Contains(text, "0 % of the answers") || !strings.Contains(text, "0 % are right") {
		t.Errorf("%q", text)
	}
	for i := range a.Right {
		for h := range a.Right[i] {
			a.Right[i][h], a.AtOnce[i][h] = 1, 1
		}
	}
	a.Right[0][0] = 0.9
	if text := accuracyText(a); !strings.Contains(text, "100 % of the answers") || !strings.Contains(text, "99.7 % are right") {
		t.Errorf("%q", text)
	}
	var out strings.Builder
	d := &demoScreen{s: cli.NewStreams(nil, io.Discard, io.Discard, noEnv), out: &out, width: 80}
	rep.Answers[0].Right = false
	d.answered(rep)
	if !strings.Contains(out.String(), "4 of 5 depths") {
		t.Errorf("%q", out.String())
	}
}

func TestDemoShares(t *testing.T) {
	for _, c := range []struct {
		share   float64
		percent string
		shade   int
	}{{0, "0", 0}, {0.001, "1", 1}, {0.3, "30", 1}, {0.5, "50", 2}, {0.7, "70", 3}, {0.999, "99", 3}, {1, "100", 4}} {
		if got := percent(c.share); got != c.percent {
			t.Errorf("percent(%g) = %s, want %s", c.share, got, c.percent)
		}
		if got := shade(c.share); got != shades[c.shade] {
			t.Errorf("shade(%g) = %q, want %q", c.share, got, shades[c.shade])
		}
	}
	if got := clip("\x1b[2J\u00e9abc", 6); got != "~[2J~a" {
		t.Errorf("clip gave %q", got)
	}
}

// On a wide terminal the demo's first table is drawn in place.
func TestDemoIsLive(t *testing.T) {
	if got := onTerminal(t, 100, "", "demo", "--problems", "1", "--device", firstDevice(t)); !strings.Contains(got, "\x1b[?25l") {
		t.Errorf("%.600q", got)
	}
}
