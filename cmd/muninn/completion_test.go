package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// completeInBash tasks the bash script what may follow the words; the last word is the one being typed.
func completeInBash(t *testing.T, words ...string) []string {
	t.Helper()
	script := invoke("completion", "bash").out + `
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _muninn; printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", append([]string{"--norc", "-c", script, "bash", "muninn"}, words...)...)
	cmd.Dir = t.TempDir()
	for _, name := range []string{"prompt.txt", "a story.txt"} {
		if err := os.WriteFile(filepath.Join(cmd.Dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

func TestBashCompletion(t *testing.T) {
	for _, c := range []struct{ words, want []string }{
		{[]string{"ru"}, []string{"run"}},
		{[]string{"de"}, []string{"demo", "devices", "detokenize"}},
		{[]string{"run", "demo", "--num"}, []string{"--num-steps"}},
		{[]string{"run", "de"}, []string{"demo"}},
		{[]string{"run", "demo", "--quant", "f"}, []string{"f32", "f16"}},
		{[]string{"run", "demo", "--quant", "=", "q8"}, []string{"q8_0"}}, // as bash cuts --quant=q8
		{[]string{"run", "demo", "--color", "="}, []string{"auto", "always", "never"}},
		{[]string{"run", "demo", "--kv-type", ""}, []string{"auto", "f32", "f16", "q8"}},
		{[]string{"bench", "--shape", "tiny"}, []string{"tiny", "tinyloop", "tinyllama-r"}},
		{[]string{"run", "demo", "--device", "c"}, []string{"cpu"}},
		{[]string{"run", "demo", "-n", ""}, nil},
		{[]string{"run", "demo", "--file", "a"}, []string{"a story.txt"}},
		{[]string{"run", "a\\ s"}, []string{"a story.txt"}},
		{[]string{"run", "\"a s"}, []string{"a story.txt"}},
		{[]string{"help", "a"}, nil},
		{[]string{"check", "--color", ""}, []string{"auto", "always", "never"}},
		{[]string{"run", "demo", "-f", "pro"}, []string{"prompt.txt"}},
		{[]string{"completion", "f"}, []string{"fish"}},
		{[]string{"help", "mu"}, nil},
		{[]string{"help", "ma"}, []string{"man"}},
	} {
		if got := completeInBash(t, c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

// Each script has every flag of every command, in its shell's own words. In zsh a flag with a value ends in =, without which
// --quant=q and a Tab end in an error.
func TestCompletionsAreWhole(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		o := invoke("completion", shell)
		o.wants(t, cli.ExitOK, "muninn", "")
		for _, c := range commands() {
			if !strings.Contains(o.out, c.Name) {
				t.Errorf("%s: no command %s", shell, c.Name)
			}
			for _, f := range c.AllFlags() {
				want := map[string]string{"bash": " --" + f.Name, "fish": " -l " + f.Name + " ", "zsh": "--" + f.Name}[shell]
				switch {
				case shell != "zsh":
				case f.Value.Type() != "bool":
					want += "=["
				case f.Shorthand != "":
					want += "}"
				default:
					want += "["
				}
				if !strings.Contains(o.out, want) {
					t.Errorf("%s: no %s of %s", shell, want, c.Name)
				}
			}
		}
	}
}
