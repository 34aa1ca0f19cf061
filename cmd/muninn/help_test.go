package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Every flag that help shows exists, every flag that exists is shown, with its own text; so too in the man page.
func TestHelpShowsTheFlags(t *testing.T) {
	shown := regexp.MustCompile(`(?m)^  (?:-(\w), |    )--([a-z-]+)`)
	man := invoke("man")
	man.wants(t, exitOK, ".TH MUNINN 1", "")
	for _, c := range commands() {
		byHelp, byFlag := invoke("help", c.name), invoke(c.name, "--help")
		if byHelp != byFlag || byHelp.code != exitOK || byHelp.err != "" {
			t.Errorf("help %s and %s --help differ, or fail", c.name, c.name)
		}
		if !strings.HasPrefix(byHelp.out, strings.TrimSpace("Usage: muninn "+c.name+" "+c.args)) {
			t.Errorf("help %s begins %.60q", c.name, byHelp.out)
		}
		var in, real []string
		for _, m := range shown.FindAllStringSubmatch(byHelp.out, -1) {
			in = append(in, m[2]+"/"+m[1])
		}
		for line := range strings.Lines(byHelp.out) {
			if len(line) > 121 { // the width of the texts in the table
				t.Errorf("help %s has a line of %d columns: %s", c.name, len(line)-1, line)
			}
		}
		for _, f := range allFlags(c) {
			real = append(real, f.Name+"/"+f.Shorthand)
			checkFlag(t, c, f)
			if typed := roff("--" + f.Name); !strings.Contains(man.out, typed) {
				t.Errorf("the man page lacks %s of %s", typed, c.name)
			}
		}
		if !slices.Equal(in, real) {
			t.Errorf("help %s shows the flags\n%v, there are\n%v", c.name, in, real)
		}
		if !strings.Contains(man.out, ".SS "+roff("muninn "+c.name)) {
			t.Errorf("the man page lacks %s", c.name)
		}
	}
}

func checkFlag(t *testing.T, c *command, f *pflag.Flag) {
	t.Helper()
	if f.Usage == "" || strings.HasSuffix(f.Usage, ".") || flagValue(f) == "" && f.Value.Type() != "bool" {
		t.Errorf("%s --%s: text %q, value %q", c.name, f.Name, f.Usage, flagValue(f))
	}
}

// The flags, commands and values in examples and help texts exist.
func TestExamplesAreRight(t *testing.T) {
	table := commands()
	mentioned := regexp.MustCompile(`--[a-z][a-z-]+`)
	for _, c := range table {
		var names []string
		for _, f := range allFlags(c) {
			names = append(names, "--"+f.Name)
		}
		for _, word := range mentioned.FindAllString(c.detail, -1) {
			if !slices.Contains(names, word) {
				t.Errorf("help %s speaks of %s, which it does not have", c.name, word)
			}
		}
		for _, e := range c.examples {
			for _, part := range strings.Split(e, "muninn ")[1:] {
				verb, rest, _ := strings.Cut(part, " ")
				used := find(table, strings.Trim(verb, ")`"))
				if used == nil {
					t.Errorf("example %q of %s: no command %s", e, c.name, verb)
					continue
				}
				fs := used.flagSet(&globalOptions{})
				for _, word := range mentioned.FindAllString(rest, -1) {
					if fs.Lookup(word[2:]) == nil {
						t.Errorf("example %q of %s: no flag %s", e, c.name, word)
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
		for _, f := range allFlags(c) {
			flags = append(flags, f.Name)
		}
	}
	flags = append(flags, "gpus") // of the container program
	for _, k := range kinds {
		for _, word := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(k.advice, -1) {
			if !slices.Contains(flags, word[1]) {
				t.Errorf("advice speaks of %s, which does not exist: %s", word[0], k.advice)
			}
		}
		for _, word := range regexp.MustCompile(`muninn ([a-z]+)`).FindAllStringSubmatch(k.advice, -1) {
			if find(commands(), word[1]) == nil {
				t.Errorf("advice speaks of %s, which does not exist: %s", word[0], k.advice)
			}
		}
	}
}

func TestRoff(t *testing.T) {
	if got, want := roff(".a --b\\c\n'd"), "\\&.a \\-\\-b\\ec\n\\&'d"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	if got, want := wrap("one two three-is-long four", 10, "  "), "  one two\n  three-is-long\n  four\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
