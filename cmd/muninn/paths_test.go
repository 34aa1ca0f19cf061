package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// A MODEL that is not there: what is missing, what was probably meant, and what MODEL may be.
func TestModelThatIsNotThere(t *testing.T) {
	for name, want := range map[string]string{
		"huginn-q4.gguf": "there is no file huginn-q4.gguf; `muninn quantize` writes such files\nMODEL is a folder",
		"huginn-0125":    "there is neither a folder nor a file huginn-0125\nMODEL is a folder",
		"DEMO":           "there is neither a folder nor a file DEMO; did you mean demo?\nMODEL is a folder",
		"demo/":          "there is neither a folder nor a file demo/; did you mean demo?\nMODEL is a folder",
		"org/none":       "--offline forbids asking for org/none\n", // TestMain sets it
	} {
		o, code := invoke("run", name, "x"), cli.ExitModel
		if name == "org/none" {
			code = cli.ExitNetwork
		}
		o.wants(t, code, "", want)
		if strings.Contains(o.err, "no such file or directory") {
			t.Errorf("%s: the system's words in %q", name, o.err)
		}
	}
}

// An error names its file once, by the path that was given, and the package once at most; below what is no model at all stands
// what one is.
func TestErrorsNamePathsOnce(t *testing.T) {
	dir := t.TempDir()
	q := filepath.Join(dir, "whole.gguf")
	invoke("quantize", "demo", q, "-q").wants(t, cli.ExitOK, "", "")
	whole, err := os.ReadFile(q)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), whole...)
	bad[len(bad)-1] ^= 1
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		path, want string
		advice     bool
	}{
		{write("hostname", []byte("vm\n")), "not a GGUF file", true},
		{write("notes.txt", []byte(strings.Repeat("some text ", 9))), "not a GGUF file", true},
		{write("short.gguf", whole[:1000]), "", false},
		{write("bad.gguf", bad), "checksum", false},
		{soundWith(t, map[string]string{"config.json": "{'a': 1}"}), "config.json: not valid JSON", false},
		{soundWith(t, map[string]string{"config.json": `{"model_type":"llama"}`}), "architecture llama", false},
		{soundWith(t, map[string]string{"tokenizer.json": "version https://git-lfs.github.com/spec/v1\n"}), "tokenizer.json: a git-lfs pointer", false},
	} {
		o := invoke("run", c.path, "x", "--device", firstDevice(t), "-q")
		o.wants(t, cli.ExitModel, "", c.want)
		if strings.Count(o.err, c.path) != 1 || strings.Count(o.err, "model: ") > 1 || strings.Contains(o.err, "MODEL is a folder") != c.advice {
			t.Errorf("%s:\n%s", c.path, o.err)
		}
	}
}

// A file that cannot be written for want of its folder: the folder is named, and no hidden name.
func TestFolderThatIsNotThere(t *testing.T) {
	gone, taken := filepath.Join(t.TempDir(), "gone"), file(t, "")
	for _, c := range []struct{ dir, want string }{{gone, "the folder " + gone + " does not exist"}, {taken, taken + " is not a folder"}} {
		for _, args := range [][]string{{"trace", "demo", "x", "-o", c.dir + "/x.svg"}, {"quantize", "demo", c.dir + "/x.gguf"}} {
			o := invoke(args...)
			if o.code == cli.ExitOK || !strings.Contains(o.err, c.want) || strings.Contains(o.err, "/.x") || strings.Contains(o.err, "help") {
				t.Errorf("%v: exit status %d, %s", args, o.code, o.err)
			}
		}
	}
}

// A folder with config.json alone can be planned for, with weights of 16 bits, and not run.
func TestPlanWithoutWeights(t *testing.T) {
	config, err := os.ReadFile("../../model/demo/config.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"run", "compare", "trace"} {
		args := []string{verb, dir, "--plan-for", "6GiB"}
		if verb == "trace" {
			args = append(args, "-o", "x.svg")
		}
		o := invoke(args...)
		o.wants(t, cli.ExitOK, "on a card of 6.00 GiB", dir+" has no weights; planned with all of them in bf16")
		args[1] = "demo"
		if whole := invoke(args...); verb == "run" && whole.out != o.out {
			t.Errorf("without weights\n%s\nwith them\n%s", o.out, whole.out)
		}
	}
	invoke("run", dir, "x").wants(t, cli.ExitModel, "", "only safetensors weights are read")
}
