package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/store"
)

// runFlags are the options of a run with flags.
func runFlags(t *testing.T, args string) *runOptions {
	t.Helper()
	o := &runOptions{}
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	o.addFlags(fs)
	if err := fs.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestStrategyFlags: flags are the strategy that they say.
func TestStrategyFlags(t *testing.T) {
	c := arch.Config{MeanRecurrence: 32}
	exit := func(c decode.Criterion, threshold float64, set func(*decode.Exit)) decode.Strategy {
		e := decode.Exit{Criterion: c, Threshold: threshold, Every: 1, Prefill: true}
		if set != nil {
			set(&e)
		}
		return decode.Strategy{Exit: &e}
	}
	wave := func(set func(*decode.Wave)) decode.Strategy {
		w := decode.PaperWave
		set(&w)
		return decode.Strategy{Wave: &w}
	}
	for _, x := range []struct {
		args  string
		steps int
		want  decode.Strategy
	}{
		{"", 32, decode.Strategy{}},
		{"-r 0", 0, decode.Strategy{}},
		{"--criterion none", 32, decode.Strategy{}},
		{"--criterion kl", 32, exit(decode.KL, 0, nil)},
		{"--criterion acceleration --exit-threshold auto", 32, exit(decode.Acceleration, 0, nil)},
		{"-r 64 --criterion minp-kl --exit-threshold 1e-4 --min-steps 3 --check-criterion-every-n-steps 4 --do-not-exit-in-prefill", 64,
			exit(decode.MinPKL, 1e-4, func(e *decode.Exit) { e.MinSteps, e.Every, e.Prefill = 3, 4, false })},
		{"--effort low", 8, exit(decode.LatentDiff, 0, nil)},
		{"--effort medium --min-steps 2", 16, exit(decode.LatentDiff, 0, func(e *decode.Exit) { e.MinSteps = 2 })},
		{"--effort high", 32, exit(decode.LatentDiff, 0.01, nil)},
		{"--effort high --exit-threshold 0.2", 32, exit(decode.LatentDiff, 0.2, nil)},
		{"--effort high --criterion kl", 32, exit(decode.KL, 0, nil)},
		{"--effort low --criterion none", 8, decode.Strategy{}},
		{"--effort max", 64, decode.Strategy{}},
		{"--effort low -r 5", 5, exit(decode.LatentDiff, 0, nil)},
		{"--continuous-compute", 32, decode.Strategy{ContinuousCompute: true}},
		{"--test-time-noise 0.1 --test-time-noise-type chi", 32, decode.Strategy{Noise: decode.StateNoise{Weight: 0.1, Type: decode.NoiseChi}}},
		{"--decode speculative", 32, decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 4, Lookahead: 4, Threshold: 1}}},
		{"--decode speculative --effort low --draft-steps 2 --lookahead 8 --verification-threshold 0.5", 8,
			decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 2, Lookahead: 8, Threshold: 0.5}}},
		{"--decode wave", 32, decode.Strategy{Wave: &decode.PaperWave}},
		{"--decode wave --exit-threshold 0.1 --inner-recurrence 2 --headway 3 --ema-embeds 0 --state-noise-mixing 0.2 --max-wavefront 0 --full-prefill=false", 32,
			wave(func(w *decode.Wave) {
				w.ExitThreshold, w.InnerRecurrence, w.Headway, w.EMA, w.StateNoiseMixing, w.MaxWavefront, w.FullPrefill = 0.1, 2, 3, 0, 0.2, 0, false
			})},
		{"--decode wave --freeze-strategy fixed", 32, wave(func(w *decode.Wave) { w.Freeze = decode.FreezeFixed })},
	} {
		steps, got, err := runFlags(t, x.args).depth(c)
		if x.want.Noise.Type == "" {
			x.want.Noise.Type = decode.NoiseFixed
		}
		if diff := cmp.Diff(x.want, got); err != nil || steps != x.steps || diff != "" {
			t.Errorf("%s: num_steps %d, %v\n%s", x.args, steps, err, diff)
		}
	}
}

// TestFixedDepth: an Ouro takes its four loops at most unless it is told to go deeper, and a step that is not taken cannot be read.
func TestFixedDepth(t *testing.T) {
	ouro, err := arch.ParseShape("ouro-1.4b")
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"": "", "-r 5 --deeper": "", "--readout at:4": "", "-r 5 --deeper --readout at:5": "", "--criterion gate --effort low": "",
		"-r 5": "5 core steps: this ouro model was trained for 4", "--readout at:5": "--readout at:5: each token takes 4 core steps",
		"--effort low --readout at:3 --criterion none": "--readout at:3: each token takes 2", "--readout weighted --criterion gate": "an exit ends with the last step",
	} {
		if _, _, err := runFlags(t, args).depth(ouro.Config); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// TestStrategySessions: the session has the room that its strategy needs, and is planned with it.
func TestStrategySessions(t *testing.T) {
	ck, err := store.Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	for _, x := range []struct{ args, want string }{
		{"", "latest-m4 8 exits false compares 0 outputs 0 rows 0"},
		{"--criterion kl", "latest-m4 8 exits true compares 0 outputs 0 rows 0"},
		{"--decode speculative --lookahead 6 --draft-steps 9", "latest-m4 9 exits false compares 0 outputs 6 rows 0"},
		{"--decode speculative --lookahead 200", "latest-m4 8 exits false compares 0 outputs 200 rows 200"},
		{"--decode wave --inner-recurrence 10", "latest-m4-compress-s2 10 exits false compares 128 outputs 128 rows 0"},
		{"--decode wave --max-wavefront 0", "latest-m4-compress-s2 8 exits false compares 256 outputs 256 rows 256"},
		{"--decode wave --max-wavefront 9 --freeze-strategy fixed", "latest-m4-compress-s2 8 exits false compares 0 outputs 9 rows 0"},
		{"--decode wave --cache-lookup-strategy full", "full 8 exits false compares 128 outputs 128 rows 0"},
	} {
		o := runFlags(t, x.args+" --prompt-ids 926,729,5")
		steps, strategy, err := o.depth(ck.Config)
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.plan(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), ck, steps, strategy)
		s := p.session
		got := fmt.Sprintf("%v %d exits %t compares %d outputs %d rows %d", s.Lookup, s.MaxSteps, s.Exits, s.Compares, s.Outputs, s.Rows)
		if err != nil || got != x.want || p.request.Steps != 8 {
			t.Errorf("%s: %s, %v\nwant %s", x.args, got, err, x.want)
		}
	}
	o := runFlags(t, "--cache-lookup-strategy decode-last --prompt-ids 926,729,5")
	if p, err := o.plan(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), ck, 8, decode.Strategy{}); err != nil || p.session.Unread != 32 {
		t.Errorf("decode-last: room for %d unread positions, %v; want a page", p.session.Unread, err)
	}
	asked := func(p planObject) (n uint64) { // without the ends of blocks
		for _, l := range p.Lines {
			n += l.Bytes
		}
		return n
	}
	plain := parsePlan(t, invoke("run", "demo", "--plan-for", "6GiB", "--json"))
	for _, args := range [][]string{{"--criterion", "kl"}, {"--decode", "speculative"}, {"--decode", "wave", "--cache-lookup-strategy", "latest-m4"}} {
		if p := parsePlan(t, invoke(append([]string{"run", "demo", "--plan-for", "6GiB", "--json"}, args...)...)); asked(p) <= asked(plain) {
			t.Errorf("%v: %d bytes planned, plain decoding takes %d", args, asked(p), asked(plain))
		}
	}
}

// TestSpeculationFits: the cache of a run with drafts is never compressed to fit; where it would have to be, that is said.
func TestSpeculationFits(t *testing.T) {
	const card = "100MiB"
	if p := parsePlan(t, invoke("run", "demo", "--plan-for", card, "--json", "--ctx", "256", "-r", "600")); !strings.Contains(p.Lookup, "compress") {
		t.Fatalf("plain decoding fits %s with %s: this test needs another size", card, p.Lookup)
	}
	o := invoke("run", "demo", "--plan-for", card, "--ctx", "256", "-r", "600", "--decode", "speculative")
	o.wants(t, cli.ExitMemory, "", "does not fit")
	o.wants(t, cli.ExitMemory, "", "speculation keeps a KV slot for every core step: where one of these shares slots, decode with --decode plain")
}
