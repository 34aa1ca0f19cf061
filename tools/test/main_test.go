package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What check and validation leave out exists: a test that was renamed would come back, and nobody would know why.
func TestSlowTestsExist(t *testing.T) {
	var all strings.Builder
	for _, room := range []string{"cmd/muninn", "model", "model/engine", "model/tokenizer", "shaders/ref", "tools/goldens", "tools/page"} {
		files, err := filepath.Glob(filepath.Join("..", "..", room, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	for _, name := range slices.Concat(slow, again, alone) {
		if !strings.Contains(all.String(), "\nfunc "+name+"(t ") {
			t.Errorf("there is no %s", name)
		}
	}
}

// The rounds that run whole tests are of all packages.
func TestEveryPackageIsTested(t *testing.T) {
	list := func(patterns ...string) string {
		cmd := exec.Command("go", append([]string{"list"}, patterns...)...)
		cmd.Dir = filepath.Join("..", "..")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	var patterns []string
	for _, r := range whole {
		if strings.HasSuffix(r.name, "tests") {
			patterns = append(patterns, slices.DeleteFunc(slices.Clone(r.args), func(arg string) bool { return !strings.HasPrefix(arg, "./") })...)
		}
	}
	slices.Sort(patterns)
	if got, want := list(patterns...), list("./..."); got != want {
		t.Errorf("%v are\n%swant\n%s", patterns, got, want)
	}
}

// Rounds that run at once are all run, and what they find is added up.
func TestRunAll(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module rounds\n", "x_test.go": "package rounds\n\nimport \"testing\"\n\n" +
		"func TestGood(t *testing.T) {}\nfunc TestBad(t *testing.T) { t.Fail() }\nfunc TestSkips(t *testing.T) { t.Skip() }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var rounds []round
	for _, name := range []string{"Good", "Bad", "Skips", "Good", "None"} {
		rounds = append(rounds, round{name: name, dir: dir, args: []string{"-count=1", "-vet=off", "-run", "Test" + name}})
	}
	var all results
	runAll(append(rounds, round{name: "nowhere", dir: filepath.Join(dir, "nowhere")}), &all)
	if all.passed != 2 || all.failed != 3 || all.skipped != 1 { // a test, its package and a round that does not start
		t.Errorf("%d passed, %d failed, %d skipped", all.passed, all.failed, all.skipped)
	}
}
