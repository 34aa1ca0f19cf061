package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/demo"
)

// The README's Go lines are a program but for its frame, and it says the end of its chain.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(readme), "```go\n")
	lines, _, _ = strings.Cut(lines, "```")
	program := "package main\nimport (\"context\"; \"fmt\"; \"muninn/model\")\nfunc main() {\nctx := context.Background()\n" +
		lines + "if err != nil { panic(err) }\n}\n"
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("go", "run", file)
	run.Env = append(os.Environ(), "MUNINN_CACHE_DIR="+cacheDir)
	if out, err := run.CombinedOutput(); err != nil || string(out) != "3;\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A word of a command line in the README: quoted, or without a space.
var readmeWord = regexp.MustCompile(`"([^"]*)"|(\S+)`)

// Every command of the README runs as it stands there, one after the other in one folder, the hub's model being the demo's files; what takes
// minutes is cut to a part of it.
func TestReadme(t *testing.T) {
	const model = "tomg-group-umd/huginn-0125"
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	build, err := os.ReadFile(filepath.Join("..", "..", "build.sh"))
	if err != nil {
		t.Fatal(err)
	}
	hub := t.TempDir()
	t.Setenv("HF_HUB_CACHE", hub)
	if err := os.CopyFS(filepath.Join(hub, "models--"+strings.ReplaceAll(model, "/", "--"), "snapshots", "one"), demo.Files); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ran := 0
	for line := range strings.Lines(string(readme)) {
		command, found := strings.CutPrefix(line, "    ")
		command, _, _ = strings.Cut(command, "#")
		var words []string
		for _, m := range readmeWord.FindAllStringSubmatch(command, -1) {
			words = append(words, m[1]+m[2])
		}
		switch {
		case !found || len(words) == 0:
		case words[0] == "./build.sh":
			if verb := append(words, "build")[1]; !regexp.MustCompile(`(?m)^` + verb + `\)`).Match(build) {
				t.Errorf("%s: build.sh has no verb %s", strings.TrimSpace(line), verb)
			}
			ran++
		case words[0] == "export":
			if words[1] != `PATH="$PWD/bin:$PATH"` {
				t.Errorf("%s: what does it export?", strings.TrimSpace(line))
			}
		case words[0] == "muninn":
			args := words[1:]
			switch args[0] {
			case "check":
				args = append(args, "--match", "rmsnorm")
			case "bench":
				args = append(args, "--reps", "1")
			}
			if slices.Contains([]string{"run", "compare", "trace", "check", "bench"}, args[0]) {
				args = append(args, "--device", firstDevice(t))
			}
			if o := invoke(args...); o.code != cli.ExitOK || o.out == "" && args[0] != "quantize" && args[0] != "trace" {
				t.Errorf("%s: exit status %d, %d bytes of output, %s", strings.TrimSpace(line), o.code, len(o.out), o.err)
			}
			ran++
		}
	}
	if ran < 15 {
		t.Errorf("%d commands in the README", ran)
	}
}
