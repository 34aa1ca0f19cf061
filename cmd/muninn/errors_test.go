package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// Damaged and malicious checkpoints give exit status 5 and a message that names the fault, and nothing on stdout. All the ways
// to be one are cases of package checkpoint's tests.
func TestHostileCheckpoints(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"config.json: not valid JSON":                           {"config.json": "{'a': 1}"},
		"n_heads is -2, want a whole number":                    {"config.json": `{"model_type":"huginn_raven","n_heads":-2}`},
		"architecture llama":                                    {"config.json": `{"model_type":"llama"}`},
		"model.safetensors: header of 9223372036854775807":      {"model.safetensors": "\xff\xff\xff\xff\xff\xff\xff\x7f{}"},
		"model.safetensors: a web page":                         {"model.safetensors": "<!DOCTYPE html>"},
		"shape [512 64], want [65536 5280]":                     {"config.json": `{"model_type":"huginn_raven"}`},
		"tokenizer.json: a git-lfs pointer in the place of the": {"tokenizer.json": "version https://git-lfs.github.com/spec/v1\n"},
	} {
		o := invoke("run", soundWith(t, files), "--prompt-ids", "1")
		o.wants(t, cli.ExitModel, "", want)
		if o.out != "" || strings.Contains(o.err, "goroutine") {
			t.Errorf("output %q, errors %q", o.out, o.err)
		}
	}
}

// A checkpoint without a tokenizer runs: ids go in and come out.
func TestCheckpointWithoutTokenizer(t *testing.T) {
	dir := soundWith(t, nil)
	eachDevice(t, func(t *testing.T, device string) {
		o := invoke("run", dir, "--prompt-ids", "1,4", "-n", "3", "-r", "2", "--device", device, "--greedy", "-q")
		if ids, err := parseIDs(o.out); o.code != cli.ExitOK || err != nil || len(ids) == 0 {
			t.Errorf("exit status %d, output %q, errors %q", o.code, o.out, o.err)
		}
	})
	invoke("run", dir, "text").wants(t, cli.ExitModel, "", "no tokenizer.json")
	invoke("tokenize", dir, "text").wants(t, cli.ExitModel, "", "`muninn run --prompt-ids` works without it")
	bad := filepath.Join(dir, "tokenizer.json")
	if err := os.WriteFile(bad, []byte(`{"model":{"type":"WordPiece"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	invoke("tokenize", dir, "text").wants(t, cli.ExitModel, "", "tokenizer.json")
}

func TestUnknownDevice(t *testing.T) {
	for _, verb := range [][]string{{"run", "demo", "x"}, {"check"}, {"devices"}} {
		o := invoke(append(verb, "--device", "nonesuch")...)
		o.wants(t, cli.ExitDevice, "", `"nonesuch"`)
		o.wants(t, cli.ExitDevice, "", firstDevice(t)) // what there is instead
		o.wants(t, cli.ExitDevice, "", "MUNINN_DEVICE")
	}
}

// program runs the command in a process of its own.
func program(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1", "MUNINN_CACHE_DIR="+cacheDir), env...)
	return cmd
}

func TestNoDriver(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.json")
	for _, args := range [][]string{{"devices"}, {"run", "demo", "x"}, {"check"}} {
		out, err := program([]string{"VK_ICD_FILENAMES=" + gone, "VK_DRIVER_FILES=" + gone}, args...).CombinedOutput()
		wantsExit(t, err, cli.ExitDevice)
		for _, part := range []string{"found no driver", "apt install mesa-vulkan-drivers", "/dev/dri", "VK_DRIVER_FILES"} {
			if !strings.Contains(string(out), part) {
				t.Errorf("%v: %q lacks %q", args, out, part)
			}
		}
	}
}

// A file that is no library, found before the system's loader, is the same as no loader.
func TestNoLoader(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"libvulkan.so.1", "libvulkan.so"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no library"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := program([]string{"LD_LIBRARY_PATH=" + dir}, "run", "demo", "x").CombinedOutput()
	wantsExit(t, err, cli.ExitDevice)
	for _, part := range []string{"no Vulkan loader", "apt install libvulkan1", "dnf install vulkan-loader", "pacman -S vulkan-icd-loader"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("%q lacks %q", out, part)
		}
	}
}

func wantsExit(t *testing.T, err error, want int) {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		t.Errorf("the program ended with %v, want exit status %d", err, want)
	}
}

// What a model is stands below errors that find none, and not below others.
func TestModelAdvice(t *testing.T) {
	const advice = "MODEL is a folder"
	dir := t.TempDir()
	invoke("show", dir).wants(t, cli.ExitModel, "", advice)
	invoke("show", filepath.Join(dir, "gone")).wants(t, cli.ExitModel, "", advice)
	for name, content := range map[string]string{"config.json": "{}", "a.gguf": "GGUF"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if o := invoke("show", strings.TrimSuffix(path, string(filepath.Separator)+"config.json")); o.code != cli.ExitModel || strings.Contains(o.err, advice) {
			t.Errorf("%s: exit status %d, %s", name, o.code, o.err)
		}
	}
}

// The depth is the word for what a flag by another name sets.
func TestDepthFlag(t *testing.T) {
	for _, verb := range []string{"run", "chat", "score", "serve", "trace"} {
		invoke(verb, "demo", "--depth", "4").wants(t, cli.ExitUsage, "", "unknown flag --depth; did you mean --num-steps?\n")
	}
}

// JSON is --json of some verbs and -o json of others: who gives the one to the other is told.
func TestJSONByAnotherFlag(t *testing.T) {
	told := 0
	for _, c := range commands() {
		fs := c.FlagSet(&cli.GlobalOptions{})
		flag := func(name string) bool { return fs.Lookup(name) != nil }
		switch {
		case flag("json") && !flag("output"):
			for _, args := range [][]string{{"-o", "json"}, {"-ojson"}, {"--output", "json"}, {"--format=json"}} {
				invoke(append([]string{c.Name}, args...)...).wants(t, cli.ExitUsage, "", "; did you mean --json?\n")
			}
			told++
		case flag("output") && !flag("json"):
			want := map[string]string{"bench": "-o json", "trace": "-o FILE.json"}[c.Name]
			invoke(c.Name, "--json").wants(t, cli.ExitUsage, "", "unknown flag --json; did you mean "+want+"?\n")
			told++
		}
	}
	if told < 8 {
		t.Errorf("%d verbs have JSON", told)
	}
}
