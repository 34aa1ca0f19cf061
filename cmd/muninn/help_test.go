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
		byHelp, byFlag := invoke("help", c.Name), invoke(c.Name, "--help")
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
	if f.Usage == "" || strings.HasSuffix(f.Usage, ".") || cli.FlagValue(f) == "" && f.Value.Type() != "bool" {
		t.Errorf("%s --%s: text %q, value %q", c.Name, f.Name, f.Usage, cli.FlagValue(f))
	}
}

// The flags, commands and values in examples and help texts exist.
func TestExamplesAreRight(t *testing.T) {
	table := commands()
	mentioned := regexp.MustCompile(`--[a-z][a-z-]+`)
	for _, c := range table {
		var names []string
		for _, f := range c.AllFlags() {
			names = append(names, "--"+f.Name)
		}
		for _, word := range mentioned.FindAllString(c.Detail, -1) {
			if !slices.Contains(names, word) {
				t.Errorf("help %s speaks of %s, which it does not have", c.Name, word)
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
