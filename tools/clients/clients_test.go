// Package clients_test asks muninn serve with clients of its APIs, as their authors publish them.
package clients_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const (
	skip = "MUNINN_SKIP_CLIENTS" // set, there is no Node, and clients written in JavaScript go untried
	key  = "a key of the tests"
	root = "../.."
)

// verdict is a line of run.mjs about one case.
var verdict = regexp.MustCompile(`(?m)^(ok  |FAIL) ([^:\n]+: [^:\n]+)`)

// TestClients: each case of each client, with each model, is a subtest.
func TestClients(t *testing.T) {
	url, models := serving(t)
	for _, model := range models {
		t.Run("openai-go "+model, func(t *testing.T) { openAIGo(t, url, model) })
	}
	if os.Getenv(skip) != "" {
		t.Skip(skip + " is set")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: `./build.sh deps` installs it; to leave clients written in JavaScript untried: %s=1", err, skip)
		}
	}
	inRoot(t, "go", "run", "./tools/npm", "tools/clients")
	out, err := exec.Command("node", "run.mjs", url, key).CombinedOutput()
	text, cases := string(out), map[string]int{}
	at := verdict.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := text[m[4]:m[5]]
		cases[strings.Fields(name)[0]]++
		t.Run(name, func(t *testing.T) {
			if text[m[2]:m[3]] == "FAIL" {
				t.Error(text[m[0]:end])
			}
		})
	}
	for _, client := range []string{"openai", "responses", "anthropic", "vercel"} {
		if cases[client] < 3*len(models) {
			t.Errorf("%d cases of %s", cases[client], client)
		}
	}
	if err != nil && !t.Failed() || t.Failed() && len(at) == 0 {
		t.Errorf("%v\n%s", err, text)
	}
}

// serving starts the program with the demo, a tiny Ouro and a tiny Huginn, and gives its address.
func serving(t *testing.T) (url string, models []string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "muninn")
	inRoot(t, "go", "build", "-o", program, "./cmd/muninn")
	models = []string{"demo", "ouro", "huginn"}
	shapes := map[string]string{"ouro": "testdata/goldens/family/models/U-bf16/config.json", "huginn": "tiny"}
	args := []string{"serve", "demo"}
	for _, name := range models[1:] {
		folder := filepath.Join(dir, name)
		inRoot(t, "go", "run", "./tools/synth", "--out", folder, "--shape", shapes[name])
		args = append(args, folder)
	}
	args = append(args, thinker(t, filepath.Join(dir, "ouro")))
	c := exec.Command(program, append(args, "--port", "0", "--ctx", "256", "--no-self-test", "--metrics", "on")...)
	c.Env = append(os.Environ(), "MUNINN_API_KEY="+key, "MUNINN_CACHE_DIR="+filepath.Join(dir, "cache"))
	log := &strings.Builder{}
	c.Stderr = log
	pipe, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT)
		if err := c.Wait(); err != nil && c.ProcessState.ExitCode() != 130 || t.Failed() {
			t.Logf("the server ended with %v\n%s", err, log)
		}
	})
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() {
		t.Fatal("the server does not say where it listens")
	}
	return lines.Text(), models
}

// template is that of Ouro's Thinking models: they think if they are asked to.
const template = `{%- if messages[0]['role'] == 'system' -%}{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}{%- else -%}` +
	`{{- '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{%- endif -%}{%- for message in messages -%}{%- if message.role == 'system' and loop.first -%}` +
	`{%- else -%}{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}` +
	`{{- '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is true -%}{{- '<think>\n' }}{%- endif -%}{%- endif -%}`

// thinker writes another Ouro beside one: it has the marks of thoughts among its tokens.
func thinker(t *testing.T, of string) (folder string) {
	t.Helper()
	folder = filepath.Join(filepath.Dir(of), "thinker")
	if err := os.CopyFS(folder, os.DirFS(of)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, "tokenizer.json")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("|object_ref_start|", "think", "|object_ref_end|", "/think").Replace(string(data))
	for name, text := range map[string]string{name: text, filepath.Join(folder, "chat_template.jinja"): template} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// inRoot runs a command in the program's module.
func inRoot(t *testing.T, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
