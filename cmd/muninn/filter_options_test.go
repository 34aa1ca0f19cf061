package main

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/decode"
)

func TestFilterFlags(t *testing.T) {
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
		{greedy, "--top-k -1", decode.Filters{Temperature: 1, TopP: 1, RepetitionPenalty: 1}},
		{drawn, "--top-k -1", decode.Filters{Temperature: 0.7, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{greedy, "--top-k 0", decode.Filters{Temperature: 1, TopP: 1, RepetitionPenalty: 1}},
		{greedy, "--repetition-penalty 1.3", decode.Filters{Greedy: true, Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1.3}},
		{greedy, "--frequency-penalty 0.5 --presence-penalty -1 --logit-bias 7=-100 --logit-bias 9=2.5", decode.Filters{Greedy: true, Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1,
			FrequencyPenalty: 0.5, PresencePenalty: -1, Bias: map[int32]float32{7: -100, 9: 2.5}}},
		{greedy, "--temp 0.5 --greedy", decode.Filters{Greedy: true, Temperature: 0.5, TopK: 50, TopP: 1, RepetitionPenalty: 1}},
		{drawn, "", decode.Filters{Temperature: 0.7, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{drawn, "--temp 0", decode.Filters{Greedy: true, TopK: 20, TopP: 0.9, MinP: 0.05, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}},
		{drawn, "--repetition-penalty 1 --top-p 1", decode.Filters{Temperature: 0.7, TopK: 20, TopP: 1, MinP: 0.05, RepetitionPenalty: 1, DRYBase: 1.75, DRYAllowedLength: 2}},
	} {
		var o filterOptions
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		o.addFlags(fs)
		if err := fs.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		got, err := o.filters(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), c.g)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, %v\nwant %+v", c.args, got, err, c.want)
		}
	}
}

// A seed drawn by chance is said.
func TestRandomSeed(t *testing.T) {
	var errs strings.Builder
	s := cli.NewStreams(nil, io.Discard, &errs, noEnv)
	random := seed("random")
	if n := random.number(s); errs.String() != fmt.Sprintf("seed %d\n", n) {
		t.Errorf("%d, %q", n, errs.String())
	}
}

// What is no finite number is refused, for every flag that takes a number and its variable; so are texts that end nothing.
func TestBadNumbers(t *testing.T) {
	n := 0
	for _, c := range commands() {
		args := []string{c.Name, "demo", "x"}[:min(c.Min+1, 3)]
		for _, f := range c.AllFlags() {
			if !slices.Contains(strings.Split(f.Value.Type(), "|"), "number") {
				continue
			}
			for _, bad := range []string{"nan", "NaN", "inf", "-Inf", "1e400", "x", ""} {
				invoke(append(args, "--"+f.Name, bad)...).wants(t, cli.ExitUsage, "", "--"+f.Name)
				if name := "MUNINN_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")); bad != "" {
					invocation{env: map[string]string{name: bad}}.run(args...).wants(t, cli.ExitUsage, "", name)
				}
				n++
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d values tried", n)
	}
	invoke("run", "demo", "x", "--stop", "").wants(t, cli.ExitUsage, "", "--stop")
	invoke("run", "demo", "x", "--top-k", "-2").wants(t, cli.ExitUsage, "", "--top-k -2")
	invoke("run", "demo", "x", "--seed", "-1").wants(t, cli.ExitUsage, "", "--seed")
}
