package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/engine/weights"
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

// hubModel is what stands for a published model: files, and a packed tokenizer where they have none.
type hubModel struct {
	files     fs.FS
	tokenizer string
}

// hubModels are the models of the README's commands by name.
func hubModels() map[string]hubModel {
	family := func(name string) fs.FS { return os.DirFS("../../testdata/goldens/family/models/" + name) }
	tokenizer := "../../testdata/tokenizer/family/"
	return map[string]hubModel{
		"tomg-group-umd/huginn-0125": {demo.Files, ""},
		"ByteDance/Ouro-1.4B":        {family("U-bf16"), tokenizer + "ouro.tokenizer.json.gz"},
		"sapientinc/HRM-Text-1B":     {family("H-bf16"), tokenizer + "hrm.tokenizer.json.gz"},
	}
}

// cutVocabulary leaves of a BPE tokenizer what has ids below n.
func cutVocabulary(t *testing.T, path string, n float64) {
	t.Helper()
	var all map[string]any
	data, err := os.ReadFile(path)
	if err := errors.Join(err, json.Unmarshal(data, &all)); err != nil {
		t.Fatal(err)
	}
	bpe := all["model"].(map[string]any)
	vocab := bpe["vocab"].(map[string]any)
	maps.DeleteFunc(vocab, func(_ string, id any) bool { return id.(float64) >= n })
	bpe["merges"] = slices.DeleteFunc(bpe["merges"].([]any), func(merge any) bool {
		pair := merge.([]any)
		return vocab[pair[0].(string)+pair[1].(string)] == nil
	})
	data, err = json.Marshal(all)
	if err := errors.Join(err, os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// Every command of the README runs as it stands there, one after the other in one folder, the hub's models being small ones; what takes
// minutes is cut to a part of it.
func TestReadme(t *testing.T) {
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
	for model, from := range hubModels() {
		dir := filepath.Join(hub, "models--"+strings.ReplaceAll(model, "/", "--"), "snapshots", "one")
		if err := os.CopyFS(dir, from.files); err != nil {
			t.Fatal(err)
		}
		if from.tokenizer != "" {
			unpack(t, from.tokenizer, filepath.Join(dir, "tokenizer.json"))
			cutVocabulary(t, filepath.Join(dir, "tokenizer.json"), 320)
		}
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("questions.jsonl", []byte(`{"context":"k=3;k?","choices":["3;","4;"],"gold":0}`), 0o600); err != nil {
		t.Fatal(err)
	}
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
			args, stdin := words[1:], ""
			switch args[0] {
			case "serve":
				startServer(t, append(args, "--port", "0", "--no-cache")...).stop(t)
				ran++
				continue
			case "demo":
				startServer(t, append(args, "--no-browser")...).stop(t)
				ran++
				continue
			case "chat":
				stdin = "Why?\n"
			case "check":
				args = append(args, "--match", "rmsnorm")
			case "bench":
				args = append(args, "--reps", "1")
			}
			if slices.Contains([]string{"run", "chat", "score", "compare", "trace", "check", "bench"}, args[0]) {
				args = append(args, "--device", firstDevice(t))
			}
			if o := (invocation{stdin: stdin}).run(args...); o.code != cli.ExitOK || o.out == "" && args[0] != "quantize" && args[0] != "trace" {
				t.Errorf("%s: exit status %d, %d bytes of output, %s", strings.TrimSpace(line), o.code, len(o.out), o.err)
			}
			ran++
		}
	}
	if ran < 15 {
		t.Errorf("%d commands in the README", ran)
	}
}

// The table of models has the figures of plans of the published shapes.
func TestReadmeModels(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, shape := range arch.Shapes {
		text := shape.JSON
		if shape.Name == "huginn" {
			text = `{"model_type":"huginn_raven"}`
		}
		if text == "" {
			continue
		}
		dir, cells := t.TempDir(), ""
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var kv float64
		for _, quant := range []string{"q8_0", "q4_0"} {
			p, sum := planObject{}, map[string]float64{}
			o := invoke("run", dir, "--plan-for", "200GiB", "--no-fit", "--ctx", "4096", "--quant", quant, "--json")
			if err := json.Unmarshal([]byte(o.out), &p); err != nil {
				t.Fatalf("%s: %v: %s", shape.Name, err, o.err)
			}
			for _, l := range p.Lines {
				sum[l.Group] += float64(l.Bytes) / (1 << 30)
			}
			kv, cells = sum["kv"], fmt.Sprintf("%s %.2f |", cells, sum["weights"])
		}
		scheme, err := checkpoint.ParseScheme("q4_0", "")
		if err != nil {
			t.Fatal(err)
		}
		bytes, _ := engine.WorkOf(shape.Config, weights.DeviceFormats(scheme, shape.Config, engine.RandomStored)).Pass(1, shape.MeanRecurrence)
		if want := fmt.Sprintf("| %.2f G |%s %.2f | %.2g | %d", float64(shape.Params())/1e9, cells, kv, 100e9/bytes, shape.Steps); !strings.Contains(string(readme), want) {
			t.Errorf("%s: the README's table lacks %s", shape.Name, want)
		}
	}
}
