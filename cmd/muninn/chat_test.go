package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// turns are what a chat with --json printed after each answer, with its text.
func turns(t *testing.T, o outcome) (sums []summary, texts []string) {
	t.Helper()
	text := ""
	for line := range strings.Lines(o.out) {
		var l struct {
			Finish string `json:"finish_reason"`
			Text   string
			summary
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		text += l.Text
		if l.Finish != "" {
			sums, texts, text = append(sums, l.summary), append(texts, text), ""
		}
	}
	return sums, texts
}

// In a chat only what is new runs, however answers are decoded and whatever the cache keeps; all of it after a change that it would
// show in.
func TestChatTurnsCostTheirOwn(t *testing.T) {
	device, model := firstDevice(t), chatModel(t)
	for _, flags := range []string{"--cache-lookup-strategy compress-s4 --repetition-penalty 1.5", "--effort low --temp 1", "--decode speculative -r 4"} {
		args := append([]string{"chat", model, "--lines", "--json", "-n", "7", "--device", device}, strings.Fields(flags)...)
		o := invocation{stdin: "hello\nand now?\n/regen\nonce more\n/set temp 0.9\nmore\n/set seed 8\nanother\n"}.run(args...)
		sums, _ := turns(t, o)
		if len(sums) != 6 {
			t.Fatalf("%s: %d answers: %s", flags, len(sums), o.err)
		}
		for i, s := range sums {
			want := 0
			switch i {
			case 1, 3, 4:
				want = sums[i-1].PromptTokens + sums[i-1].Tokens - 1 // the last one was never run
			case 2: // the same prompt again: its last token runs
				want = sums[1].PromptTokens - 1
			}
			if s.Held != want {
				t.Errorf("%s: answer %d: %d of %d tokens held, want %d", flags, i+1, s.Held, s.PromptTokens, want)
			}
			if s.KVBytes == 0 || s.Tokens == 0 {
				t.Errorf("%s: answer %d: %+v", flags, i+1, s)
			}
		}
	}
}

// A conversation of a file goes on as it would have; its answers at another depth stand side by side or in its place.
func TestChatFiles(t *testing.T) {
	device, model, dir := firstDevice(t), chatModel(t), t.TempDir()
	talk, picture := filepath.Join(dir, "talk.json"), filepath.Join(dir, "turn.json")
	args := []string{"chat", model, "--lines", "--json", "-n", "6", "--device", device}
	whole, said := turns(t, invocation{stdin: "hello\nand now?\n/save " + talk + "\nonce more\n"}.run(args...))
	again, answers := turns(t, invocation{stdin: "/load " + talk + "\nonce more\n/compare 1,4\n/trace " + picture + "\nlast\n"}.run(args...))
	if len(whole) != 3 || len(again) != 4 { // two of them compared
		t.Fatalf("%d and %d answers", len(whole), len(again))
	}
	if again[0].PromptTokens != whole[2].PromptTokens || answers[0] != said[2] {
		t.Errorf("after loading: %d tokens, %q, before: %d, %q", again[0].PromptTokens, answers[0], whole[2].PromptTokens, said[2])
	}
	var trace struct {
		Tokens []struct{ Pos int }
	}
	data, err := os.ReadFile(picture)
	if err != nil || json.Unmarshal(data, &trace) != nil || len(trace.Tokens) < 10 || len(trace.Tokens) > 60 || trace.Tokens[0].Pos < 40 {
		t.Errorf("trace of %d tokens, the first %+v: %v", len(trace.Tokens), trace.Tokens[:min(len(trace.Tokens), 1)], err)
	}
}

// An answer of a model that reads its question as one prefix can be traced too; flags that are not set say so.
func TestChatTraceOfPrefix(t *testing.T) {
	model := hubModels()["sapientinc/HRM-Text-1B"]
	dir := t.TempDir()
	if err := os.CopyFS(dir, model.files); err != nil {
		t.Fatal(err)
	}
	unpack(t, model.tokenizer, filepath.Join(dir, "tokenizer.json"))
	cutVocabulary(t, filepath.Join(dir, "tokenizer.json"), 320)
	picture := filepath.Join(dir, "trace.json")
	o := invocation{stdin: "hello\n/set stop\n/trace " + picture + "\n"}.run("chat", dir, "--lines", "-n", "3", "--device", firstDevice(t))
	o.wants(t, cli.ExitOK, "", "stop is not set\n")
	var trace struct{ Tokens []struct{ Pos int } }
	if data, err := os.ReadFile(picture); err != nil || json.Unmarshal(data, &trace) != nil || len(trace.Tokens) < 5 || trace.Tokens[0].Pos == 0 {
		t.Errorf("%+v, %v", trace, err)
	}
}

// A context that is full is said so, in figures and with what can be done; or the oldest questions go.
func TestChatContextFull(t *testing.T) {
	device, model := firstDevice(t), chatModel(t)
	long := strings.Repeat("another question\n", 4)
	args := []string{"chat", model, "--lines", "--ctx", "120", "-r", "1", "-n", "6", "--device", device}
	o := invocation{stdin: long}.run(args...)
	o.wants(t, cli.ExitUsage, "", "tokens with this message, the context 120 positions; /clear begins anew, --context-shift drops the oldest questions, --ctx gives more room (this model: up to 256)")
	talk := filepath.Join(t.TempDir(), "talk.json")
	o = invocation{stdin: long + "/regen\nlast of all questions\n/regen\n/save " + talk + "\n"}.run(append(args, "--context-shift")...)
	o.wants(t, cli.ExitOK, "", "the context of 120 positions is full: the oldest question is dropped")
	if data, err := os.ReadFile(talk); err != nil || strings.Count(string(data), "last of all") != 1 || strings.Count(string(data), "another question") < 1 {
		t.Errorf("%s, %v", data, err)
	}
	o = invocation{stdin: strings.Repeat("long ", 100)}.run(args...)
	o.wants(t, cli.ExitUsage, "", "shorten the message, or begin with a larger --ctx")
}

// A /word that cannot do its work says why and what to do, and takes nothing from what was said before /clear or another file.
func TestChatWordsRefuse(t *testing.T) {
	device, dir := firstDevice(t), t.TempDir()
	talk := filepath.Join(dir, "talk.json")
	for _, c := range []struct{ lines, want, not string }{
		{"/regen", "nothing has been asked yet", "greedy"},
		{chain + "\n/clear\n/compare 1,2", "nothing has been asked yet", "r = 1"},
		{chain + "\n/save " + talk + "\n/load " + talk + "\n/compare 1,2", "/regen answers it here first", "r = 1"},
		{"/save " + talk, "nothing has been asked yet", "saved"},
		{"/save", "/save needs more: want /save FILE", ""},
		{chain + "\n/save " + filepath.Join(dir, "none", "f"), "the folder " + filepath.Join(dir, "none") + " does not exist", ".f-"},
		{"/load " + filepath.Join(dir, "f"), "cannot open the conversation " + filepath.Join(dir, "f"), "open /"},
		{"/set nope 1", "/set lists them", ""},
	} {
		o := invocation{stdin: c.lines + "\n"}.run("chat", "demo", "--lines", "-n", "1", "--device", device)
		code := cli.ExitUsage
		if strings.Contains(c.not, "/") || c.not == ".f-" { // of a file
			code = cli.ExitFailure
		}
		o.wants(t, code, "", c.want)
		if c.not != "" && strings.Contains(o.out+o.err, c.not) {
			t.Errorf("%q: %s%s", c.lines, o.out, o.err)
		}
	}
}

// What cannot be a chat is refused by name before anything is loaded.
func TestChatRefuses(t *testing.T) {
	model := chatModel(t)
	for _, c := range []struct{ args, want string }{
		{"--thinking on", "thinking: not in this model's chat form (huginn)"},
		{"--conditions cot", `condition "cot": not in this model's chat form (huginn), which has none`},
		{"--prompt-ids 1", "unknown flag --prompt-ids"},
		{"--ctx 5000", "--ctx 5000"},
		{"--max-tokens -1", "--max-tokens -1"},
	} {
		o := invocation{stdin: "x"}.run(append([]string{"chat", model, "--device", "none"}, strings.Fields(c.args)...)...)
		o.wants(t, cli.ExitUsage, "", c.want)
	}
}

// A chat that is stopped where nobody can go on ends as a run does.
func TestChatInterrupted(t *testing.T) {
	invoke("chat", "demo", "--device", firstDevice(t), "-n", "1").wants(t, cli.ExitUsage, "", "standard input is empty") // and the device is known
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cli.Interrupted{Signal: 2})
	o := invocation{ctx: ctx, stdin: chain}.run("chat", "demo", "--json", "--device", firstDevice(t))
	o.wants(t, cli.ExitSignaled, `"finish_reason":"interrupted"`, "\ninterrupted\n")
}

// The editor changes the last message, which is answered again.
func TestChatEdit(t *testing.T) {
	model := chatModel(t)
	_ = os.Remove(filepath.Join(cacheDir, "chat-history"))
	s := newScreen(t, 100, "chat", model, "--device", firstDevice(t), "-n", "4", "-r", "1", "--no-history")
	s.shows(prompting)
	s.types("first words", "Enter")
	s.shows(`(?s)4 tok.*` + prompting)
	s.types("/edit", "Enter")
	s.shows(`(?m)^>>> first words$`)
	s.types("", "C-a", "M-f", "C-k")
	s.types("changed", "Enter")
	s.shows(`(?s)4 tok.*4 tok.*` + prompting)
	if got := s.asked(); len(got) != 1 || got[0] != "first changed" {
		t.Errorf("asked %q", got)
	}
	s.types("/by", "Tab", "Enter")
	if code := s.ended(); code != "0" {
		t.Errorf("exit status %s", code)
	}
	if _, err := os.Stat(filepath.Join(cacheDir, "chat-history")); err == nil {
		t.Error("there is a history in spite of --no-history")
	}
}
