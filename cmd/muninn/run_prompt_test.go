package main

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/model/store"
)

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
		o.addFlags(fs)
		if err := fs.Parse(append(args, "--prompt-ids", "926,729,5")); err != nil {
			t.Fatal(err)
		}
		steps, strategy, err := o.depth(ck.Config)
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.plan(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), ck, steps, strategy)
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
	if strings.Contains(o.err, "--ctx") { // that is the most this model takes
		t.Errorf("the advice does not help: %s", o.err)
	}
	invoke("run", "demo", strings.Repeat("é", 30), "--ctx", "8", "--device", device).wants(t, cli.ExitUsage, "", "raise --ctx")
}

// What a chat form does not have is a mistake in the command, and what belongs to chats has no meaning outside.
func TestChatFlags(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{"--thinking on", "--thinking has no meaning without --chat"}, {"--conditions cot", "--conditions has no meaning without --chat"}, {"--thinking maybe --chat", "want one of on, off"},
		{"--chat --thinking off", "--chat: model: thinking: not in this model's chat form (huginn)"},
		{"--chat --conditions cot", `--chat: model: condition "cot": not in this model's chat form (huginn)`},
	} {
		invoke(append([]string{"run", "demo", "hi", "-q"}, strings.Fields(c.flags)...)...).wants(t, cli.ExitUsage, "", c.want)
	}
}

// A question to HRM-Text is read as one prefix, under its conditions; a text to continue is not.
func TestPlanOfPrefix(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/goldens/family/models/H-bf16")); err != nil {
		t.Fatal(err)
	}
	unpack(t, "../../testdata/tokenizer/family/hrm.tokenizer.json.gz", filepath.Join(dir, "tokenizer.json"))
	ck, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	for flags, want := range map[string]string{"--chat": "6,8", "--chat --conditions synth,cot": "6,13,9", "": ""} {
		o := runOptions{}
		o.Text = &[]string{"a b"}[0]
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		o.addFlags(fs)
		if err := fs.Parse(strings.Fields(flags)); err != nil {
			t.Fatal(err)
		}
		steps, strategy, err := o.depth(ck.Config)
		p, err2 := o.plan(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), ck, steps, strategy)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		ids, prefix := p.request.Prompt, 0
		if want != "" {
			prefix = len(ids)
		}
		if begins := strings.ReplaceAll(joinIDs(ids), " ", ","); !strings.HasPrefix(begins, want) || p.request.Prefix != prefix || p.session.Rows != prefix {
			t.Errorf("%q: ids %s, a prefix of %d, %d rows", flags, begins, p.request.Prefix, p.session.Rows)
		}
	}
}

// Flags about drawn states are refused where none are drawn, before anything is loaded; a seed of sampled tokens is not.
func TestNoDrawnStates(t *testing.T) {
	for args, want := range map[string]string{
		"U-bf16 --init-scale 1":                                 "--init-scale has no meaning for this ouro model",
		"H-bf16 --init-scale 0":                                 "--init-scale has no meaning for this hrm_text model",
		"N-bf16 --greedy --seed 3":                              "--seed has no meaning for this nanbeige model",
		"U-bf16 --temp 1 --seed 3":                              "",
		"S-bf16 --init-scale 0.5":                               "--init-scale has no meaning for this retrofit model",
		"S-bf16 --greedy --seed 3":                              "",
		"../../models/A-f32 --greedy --seed 3 --init-scale 0.5": "",
	} {
		model, flags, _ := strings.Cut(args, " ")
		o := runOptions{}
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		o.addFlags(fs)
		ck, err := store.Open("../../testdata/goldens/family/models/" + model)
		if err == nil {
			err = fs.Parse(append(strings.Fields(flags), "--prompt-ids", "1,2"))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.plan(cli.NewStreams(nil, io.Discard, io.Discard, noEnv), ck, 2, decode.Strategy{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
		_ = ck.Close()
	}
}

// A tokenizer that has more than the model is told before the model is loaded, where a text has such tokens.
func TestPromptOfAnotherModel(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/goldens/family/models/U-bf16")); err != nil {
		t.Fatal(err)
	}
	unpack(t, "../../testdata/tokenizer/family/ouro.tokenizer.json.gz", filepath.Join(dir, "tokenizer.json"))
	for _, args := range [][]string{{"The capital of France is"}, {"The capital of France is", "--chat"}} {
		o := invoke(append([]string{"run", dir, "--device", firstDevice(t)}, args...)...)
		o.wants(t, cli.ExitModel, "", ", the embedding 320 rows: it is of another model")
		if strings.Contains(o.err, "model "+dir+" (") {
			t.Errorf("%v: loaded before: %s", args, o.err)
		}
	}
}

// unpack writes what a gzip file holds.
func unpack(t *testing.T, from, to string) {
	t.Helper()
	packed, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err := errors.Join(err, os.WriteFile(to, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}
