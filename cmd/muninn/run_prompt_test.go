package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/store"
)

func TestSamplingOptions(t *testing.T) {
	greedy := arch.Generation{Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1}
	drawn := arch.Generation{DoSample: true, Temperature: 0.7, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}
	for _, c := range []struct {
		g    arch.Generation
		args string
		want decode.Filters
	}{
		{greedy, "", decode.Filters{Greedy: true, Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--temp 0.5", decode.Filters{Temperature: 0.5, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--min-p 0.1 --seed 3", decode.Filters{Temperature: 1, TopK: 50, TopP: 1, MinP: 0.1, RepetitionPenalty: 1, Seed: 3}},
		{greedy, "--top-k 0", decode.Filters{Temperature: 1, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--repetition-penalty 1.3", decode.Filters{Greedy: true, Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1.3}},
		{greedy, "--temp 0.5 --greedy", decode.Filters{Greedy: true, Temperature: 0.5, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{drawn, "", decode.Filters{Temperature: 0.7, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{drawn, "--temp 0", decode.Filters{Greedy: true, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{drawn, "--repetition-penalty 1 --top-p 1", decode.Filters{Temperature: 0.7, TopK: 20, TopP: 1, MinP: 0.05, RepetitionPenalty: 1, DRYBase: 1.75, DRYAllowedLength: 2}},
	} {
		var o samplingOptions
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		o.AddFlags(fs)
		if err := fs.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		got, err := o.sampling(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), c.g)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v\nwant %+v", c.args, got, err, c.want)
		}
	}
}

func TestRandomSeed(t *testing.T) {
	var errs strings.Builder
	s := cli.NewStreams(nil, io.Discard, &errs, noEnv)
	seed, err := (&samplingOptions{Seed: "random"}).seed(s)
	if err != nil || errs.String() != fmt.Sprintf("seed %d\n", seed) {
		t.Errorf("%d, %v, %q", seed, err, errs.String())
	}
}

func TestPlan(t *testing.T) {
	ck, err := store.Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	plan := func(args ...string) plan {
		t.Helper()
		o := runOptions{}
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		o.AddFlags(fs)
		if err := fs.Parse(append(args, "--prompt-ids", "926,729,5")); err != nil {
			t.Fatal(err)
		}
		steps, sampler, err := o.depth(ck.Config)
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.plan(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), ck, steps, sampler)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := plan()
	if p.request.Steps != 8 || p.session.MaxSteps != 8 || p.request.MaxTokens != 512 || p.session.Context != 256 || p.state.InitScale != 1 ||
		p.request.Strategy != (decode.Strategy{Noise: decode.StateNoise{Type: decode.NoiseFixed}}) || p.state.Seed != 0 || p.session.StepsPerSubmit != 0 || p.session.Lookup.String() != decode.DefaultLookup ||
		joinIDs(p.request.Prompt) != "926 729 5" {
		t.Errorf("defaults: %+v", p)
	}
	p = plan("-r", "3", "-n", "5", "--init-scale", "0.5", "--continuous-compute", "--seed", "9", "--steps-per-submit", "2",
		"--cache-lookup-strategy", "full", "--stop", "a", "--stop", "b,c")
	if p.request.Steps != 3 || p.session.MaxSteps != 3 || p.request.MaxTokens != 5 || p.session.Context != 8 || p.state.InitScale != 0.5 ||
		!p.request.Strategy.ContinuousCompute || p.state.Seed != 9 || p.request.Pick.Seed != 9 || p.session.StepsPerSubmit != 2 ||
		p.session.Lookup.String() != "full" || strings.Join(p.request.StopStrings, "|") != "a|b,c" {
		t.Errorf("flags: %+v", p)
	}
	if p = plan("--ctx", "100"); p.session.Context != 100 {
		t.Errorf("--ctx 100: %d positions", p.session.Context)
	}
}

func TestPromptFiles(t *testing.T) {
	device := firstDevice(t)
	run := []string{"run", "demo", "-q", "-n", "1", "--device", device}
	for _, content := range []string{chain, chain + "\n", chain + "\r\n"} {
		invoke(append(run, "--file", file(t, content))...).wants(t, cli.ExitOK, "3;", "")
	}
	invoke(append(run, "--file", file(t, "\n"))...).wants(t, cli.ExitUsage, "", "is empty")
	invoke(append(run, "--file", t.TempDir())...).wants(t, cli.ExitUsage, "", "is a directory")
	o := invoke("run", "demo", "-n", "1", "--device", device, "\xffk=3;k?")
	o.wants(t, cli.ExitOK, "", "not valid UTF-8")
	// A long prompt is refused before anything is loaded.
	o = invoke("run", "demo", strings.Repeat("é", 300), "--device", device)
	o.wants(t, cli.ExitUsage, "", "the context 256 positions")
	if strings.Contains(o.err, "device") {
		t.Errorf("the device was opened: %s", o.err)
	}
}
