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

// completeInBash asks the bash script what may follow the words; the last word is the one being typed.
func completeInBash(t *testing.T, words ...string) []string {
	t.Helper()
	script := invoke("completion", "bash").out + `
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _muninn; printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", append([]string{"--norc", "-c", script, "bash", "muninn"}, words...)...)
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "prompt.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Fields(string(out))
}

func TestBashCompletion(t *testing.T) {
	for _, c := range []struct{ words, want []string }{
		{[]string{"ru"}, []string{"run"}},
		{[]string{"de"}, []string{"demo", "devices", "detokenize"}},
		{[]string{"run", "demo", "--num"}, []string{"--num-steps"}},
		{[]string{"run", "de"}, []string{"demo"}},
		{[]string{"run", "demo", "--quant", "f"}, []string{"f32", "f16"}},
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

// Each script has every flag of every command, in its shell's own words.
func TestCompletionsAreWhole(t *testing.T) {
	for shell, form := range map[string]string{"bash": "--%", "zsh": "'--%[", "fish": " -l % "} {
		o := invoke("completion", shell)
		o.wants(t, cli.ExitOK, "muninn", "")
		for _, c := range commands() {
			if !strings.Contains(o.out, c.Name) {
				t.Errorf("%s: no command %s", shell, c.Name)
			}
			for _, f := range c.AllFlags() {
				if want := strings.ReplaceAll(form, "%", f.Name); !strings.Contains(o.out, want) {
					t.Errorf("%s: no %s of %s", shell, want, c.Name)
				}
			}
		}
	}
}
