package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// soundWith is a small sound model with some of its files written anew.
func soundWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/goldens/models/A-f32")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What is wrong beside the weights is said once, and the model stays usable.
func TestNotesOnFiles(t *testing.T) {
	dir := soundWith(t, map[string]string{"generation_config.json": `{"top_k":-1,"repetition_penalty":0,"eos_token_id":-1,"bos_token_id":[1,2]}`})
	o := invoke("show", dir)
	o.wants(t, 0, "huginn 1/2/1", "generation_config.json: repetition_penalty is 0, want a number")
	o.wants(t, 0, "", "generation_config.json: eos_token_id is -1, want")
	if n := strings.Count(o.err, "bos_token_id"); n != 1 {
		t.Errorf("bos_token_id is named %d times: %q", n, o.err)
	}
	invoke("show", "--json", dir).wants(t, 0, `"notes":["generation_config.json: repetition_penalty is 0`, "")
}

// run says once which chat template it does not follow, and runs.
func TestNotesOfRun(t *testing.T) {
	dir := soundWith(t, map[string]string{"chat_template.jinja": "{% for m in messages %}{{ m.content }}{% endfor %}"})
	o := invoke("run", dir, "--prompt-ids", "1,4", "-n", "1", "-r", "1")
	o.wants(t, 0, "", `chat_template.jinja: its chat template is not the built-in form, which --chat uses: it has "m in`)
	if n := strings.Count(o.err, "chat_template"); n != 1 {
		t.Errorf("named %d times: %q", n, o.err)
	}
}

// A byte order mark is no part of a text; inside of it U+FEFF is.
func TestByteOrderMark(t *testing.T) {
	plain := invocation{stdin: "a=3;a?"}.run("tokenize", "demo")
	marked := invocation{stdin: "\uFEFFa=3;a?\n"}.run("tokenize", "demo")
	marked.wants(t, 0, plain.out, "standard input begins with a byte order mark")
	if marked.out != plain.out {
		t.Errorf("ids %q, without the mark %q", marked.out, plain.out)
	}
	if inside := (invocation{stdin: "a\uFEFF=3"}).run("tokenize", "demo"); inside.err != "" {
		t.Errorf("U+FEFF inside: %q", inside.err)
	}
	file := soundWith(t, map[string]string{"prompt.txt": "\uFEFF"}) + "/prompt.txt"
	invoke("run", "demo", "-f", file).wants(t, 2, "", "prompt.txt is empty")
}
