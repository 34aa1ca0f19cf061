package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
)

// Every flag that help shows exists, every flag that exists is shown, with its own text; so too in the man page.
func TestHelpShowsTheFlags(t *testing.T) {
	shown := regexp.MustCompile(`(?m)^  (?:-(\w), |    )--([a-z-]+)`)
	man := invoke("man")
	man.wants(t, cli.ExitOK, ".TH MUNINN 1", "")
	for _, c := range commands() {
		byHelp, byFlag := invoke("help", c.Name, "--help-all"), invoke(c.Name, "--help-all")
		if byHelp != byFlag || byHelp.code != cli.ExitOK || byHelp.err != "" {
			t.Errorf("help %s and %s --help differ, or fail", c.Name, c.Name)
		}
		if !strings.HasPrefix(byHelp.out, strings.TrimSpace("Usage: muninn "+c.Name+" "+c.Args)) {
			t.Errorf("help %s begins %.60q", c.Name, byHelp.out)
		}
		var in, real []string
		for _, m := range shown.FindAllStringSubmatch(byHelp.out, -1) {
			in = append(in, m[2]+"/"+m[1])
		}
		for line := range strings.Lines(byHelp.out) {
			if len(line) > 121 { // the width of the texts in the table
				t.Errorf("help %s has a line of %d columns: %s", c.Name, len(line)-1, line)
			}
		}
		for _, f := range c.AllFlags() {
			real = append(real, f.Name+"/"+f.Shorthand)
			checkFlag(t, c, f)
			if typed := cli.Roff("--" + f.Name); !strings.Contains(man.out, typed) {
				t.Errorf("the man page lacks %s of %s", typed, c.Name)
			}
		}
		if !slices.Equal(in, real) {
			t.Errorf("help %s shows the flags\n%v, there are\n%v", c.Name, in, real)
		}
		if !strings.Contains(man.out, ".SS "+cli.Roff("muninn "+c.Name)) {
			t.Errorf("the man page lacks %s", c.Name)
		}
	}
}

func checkFlag(t *testing.T, c *cli.Command, f *pflag.Flag) {
	t.Helper()
	if f.Value.Type() == "float64" {
		t.Errorf("%s --%s takes NaN; declare it with cli.FloatVar", c.Name, f.Name)
	}
	if f.Usage == "" || strings.HasSuffix(f.Usage, ".") || cli.FlagValue(f) == "" && f.Value.Type() != "bool" {
		t.Errorf("%s --%s: text %q, value %q", c.Name, f.Name, f.Usage, cli.FlagValue(f))
	}
}

// The flags, commands and values in examples and help texts exist.
func TestExamplesAreRight(t *testing.T) {
	table := commands()
	mentioned := regexp.MustCompile(`(?:muninn ([a-z]+) )?(--[a-z][a-z-]+)`)
	for _, c := range table {
		for _, m := range mentioned.FindAllStringSubmatch(c.Detail, -1) {
			of := c
			if m[1] != "" {
				of = cli.Find(table, m[1])
			}
			if of == nil || !slices.ContainsFunc(of.AllFlags(), func(f *pflag.Flag) bool { return "--"+f.Name == m[2] }) {
				t.Errorf("help %s speaks of %s, which is not there", c.Name, m[0])
			}
		}
		for _, e := range c.Examples {
			for _, part := range strings.Split(e, "muninn ")[1:] {
				verb, rest, _ := strings.Cut(part, " ")
				used := cli.Find(table, strings.Trim(verb, ")`"))
				if used == nil {
					t.Errorf("example %q of %s: no command %s", e, c.Name, verb)
					continue
				}
				fs := used.FlagSet(&cli.GlobalOptions{})
				for _, word := range mentioned.FindAllString(rest, -1) {
					if fs.Lookup(word[2:]) == nil {
						t.Errorf("example %q of %s: no flag %s", e, c.Name, word)
					}
				}
			}
		}
	}
}

// Advice in error messages names flags and commands that exist.
func TestAdviceIsRight(t *testing.T) {
	var flags []string
	for _, c := range commands() {
		for _, f := range c.AllFlags() {
			flags = append(flags, f.Name)
		}
	}
	flags = append(flags, "gpus") // of the container program
	for _, k := range cli.Kinds {
		for _, word := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(k.Advice, -1) {
			if !slices.Contains(flags, word[1]) {
				t.Errorf("advice speaks of %s, which does not exist: %s", word[0], k.Advice)
			}
		}
		for _, word := range regexp.MustCompile(`muninn ([a-z]+)`).FindAllStringSubmatch(k.Advice, -1) {
			if cli.Find(commands(), word[1]) == nil {
				t.Errorf("advice speaks of %s, which does not exist: %s", word[0], k.Advice)
			}
		}
	}
}

// No command is a mistake that shows what there is; asking for help is none.
func TestNoCommand(t *testing.T) {
	invoke().wants(t, cli.ExitUsage, "", "Commands:\n  run ")
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		invoke(args...).wants(t, cli.ExitOK, "Commands:\n  run ", "")
	}
}

// The flags of run stand in groups; those that few need are left to --help-all, which works in both forms.
func TestHelpGroups(t *testing.T) {
	short, whole := invoke("help", "run"), invoke("run", "--help-all")
	var headings []string
	for _, m := range regexp.MustCompile(`(?m)^([A-Z].*):$`).FindAllStringSubmatch(short.out, -1) {
		headings = append(headings, m[1])
	}
	want := "Text|Sampling|Depth|Drafting (--decode speculative)|Wave (--decode wave)|Memory|Model|Device|Output|Flags of every command|Examples"
	if got := strings.Join(headings, "|"); got != want {
		t.Errorf("headings %s, want %s", got, want)
	}
	if strings.Contains(short.out, "--test-time-noise ") || !strings.Contains(whole.out, "--test-time-noise ") || !strings.Contains(short.out, "muninn help run --help-all") {
		t.Errorf("help run:\n%s", short.out)
	}
}

// A flag that was renamed works under its old name, by its old variable too, and is shown under its new one.
func TestRenamedFlag(t *testing.T) {
	for _, args := range [][]string{{"--decode", "wave"}, {"--sampler", "wave"}} {
		invoke(append([]string{"run", "demo", "x", "--lookahead", "2"}, args...)...).wants(t, cli.ExitUsage, "", "--lookahead has no meaning for --decode wave")
	}
	o := invocation{env: map[string]string{"MUNINN_SAMPLER": "fast"}}.run("run", "demo", "x")
	o.wants(t, cli.ExitUsage, "", "MUNINN_SAMPLER=fast")
	if help := invoke("run", "--help-all"); strings.Contains(help.out, "--sampler") {
		t.Error("help shows the old name")
	}
}

// An error names what the user set: the variable where it was one.
func TestErrorsNameVariables(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{map[string]string{"MUNINN_TEMP": "-1"}, []string{"run", "demo", "x"}, "MUNINN_TEMP"},
		{map[string]string{"MUNINN_DRAFT_STEPS": "2"}, []string{"run", "demo", "x"}, "MUNINN_DRAFT_STEPS has no meaning for --decode plain"},
		{map[string]string{"MUNINN_DECODE": "wave"}, []string{"run", "demo", "x", "--draft-steps", "2"}, "--draft-steps has no meaning for MUNINN_DECODE wave"},
		{map[string]string{"MUNINN_CTX": "-1"}, []string{"run", "demo", "x"}, "MUNINN_CTX -1"},
		{map[string]string{"MUNINN_DEVICE": "stale"}, []string{"check"}, "MUNINN_DEVICE"},
		{map[string]string{"MUNINN_PLAN_FOR": "nonesuch"}, []string{"run", "demo"}, "MUNINN_PLAN_FOR nonesuch"},
	} {
		o := invocation{env: c.env}.run(c.args...)
		if first, _, _ := strings.Cut(o.err, "\n"); o.code == cli.ExitOK || !strings.Contains(first, c.want) {
			t.Errorf("%v %v: exit status %d, %q, want %q", c.env, c.args, o.code, first, c.want)
		}
	}
}

// Help speaks of KV rules where their flag stands: what a name is made of, and what it costs.
func TestHelpExplains(t *testing.T) {
	help := strings.Join(strings.Fields(invoke("run", "--help").out), " ")
	for _, want := range []string{"RULE says which of a position's KV slots a core step reads", "compress-sN keeps N slots a position",
		"compress-anchor keeps one for each of the first 8", "rarely needed flag", "Anything you leave unset (format, KV rule, context) is chosen to fit the device's memory",
		"last-exited is latest-m4", "shared keeps one slot a position", "decode-last keeps all steps of a prompt while that is read", "half (low) or all (medium, high, max) of its core steps"} {
		if !strings.Contains(help, want) {
			t.Errorf("no %q in the help of run", want)
		}
	}
	for _, c := range commands() {
		help := invoke(c.Name, "--help-all").out
		for _, odd := range []string{"few need", " anew", "until none has", "What is not given", "what is not given", "that they are meant for"} {
			if strings.Contains(help, odd) {
				t.Errorf("help of %s says %q", c.Name, odd)
			}
		}
	}
}
