package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"muninn/cmd/muninn/cli"
	"muninn/model/demo"
	"muninn/model/store/hub/hubtest"
)

// demoHub is a hub with the demo model as org/demo, and an empty cache that it fills.
func demoHub(t *testing.T) *hubtest.Hub {
	t.Helper()
	h, _ := hubtest.New(t, map[string]fs.FS{"org/demo": demo.Files})
	t.Chdir(t.TempDir())
	return h
}

// A model that is not here is fetched by the verb that needs it, once, and listed, shown and removed by its name.
func TestModelFromHub(t *testing.T) {
	h := demoHub(t)
	invoke("list").wants(t, cli.ExitOK, "", "no models in "+os.Getenv("HF_HUB_CACHE"))
	invoke("tokenize", "org/demo", "a=1", "--offline").wants(t, cli.ExitNetwork, "", "org/demo is neither here nor in the hub cache, and cannot be fetched: hub: HF_HUB_OFFLINE or --offline forbids asking for org/demo")
	want := invoke("tokenize", "demo", "a=1")
	if o := invoke("tokenize", "org/demo", "a=1"); o.out != want.out || o.code != cli.ExitOK || !strings.Contains(o.err, "fetched org/demo: 1.") {
		t.Fatalf("%q, %q", o.out, o.err)
	}
	sent := h.Sent.Load()
	if o := invoke("tokenize", "org/demo", "a=1"); o != want || h.Sent.Load() != sent {
		t.Errorf("again: %q, %d bytes sent, then %d", o.err, sent, h.Sent.Load())
	}
	dir := filepath.Join(os.Getenv("HF_HUB_CACHE"), "models--org--demo", "snapshots", hubtest.Commit)
	invoke("pull", "org/demo").wants(t, cli.ExitOK, dir+"\n", "")
	invoke("pull", "org/demo", "--json").wants(t, cli.ExitOK, `"commit":"`+hubtest.Commit+`","path":"`+dir+`"`, "")
	h.Close() // from here on nothing is asked
	invoke("list").wants(t, cli.ExitOK, "org/demo  main 01234567  huginn  1.", "")
	if err := os.MkdirAll(filepath.Join(cacheDir, "weights"), 0o700); err != nil {
		t.Fatal(err)
	}
	invoke("quantize", "demo", filepath.Join(cacheDir, "weights", "q8_0-list.gguf"), "--name", "demo", "--force").wants(t, cli.ExitOK, "", "")
	invoke("list").wants(t, cli.ExitOK, "COPIES  SHORT NAME\norg/demo  main 01234567  huginn  1.9 MiB  q8_0\n", "")
	weights := filepath.Join(dir, "model.safetensors")
	if err := os.Rename(weights, weights+".away"); err != nil {
		t.Fatal(err)
	}
	invoke("list").wants(t, cli.ExitOK, "huginn, not whole", "")
	if err := os.Rename(weights+".away", weights); err != nil {
		t.Fatal(err)
	}
	invoke("list", "--json").wants(t, cli.ExitOK, `"revisions":["main"],"commit":"`+hubtest.Commit+`"`, "")
	invoke("list", "--all").wants(t, cli.ExitOK, "ByteDance/Ouro-1.4B", "")
	invoke("show", "org/demo@main").wants(t, cli.ExitOK, "tokenizer of 932 tokens", "")
	invoke("rm", "org/demo").wants(t, cli.ExitUsage, "", "Remove org/demo, one revision (1.")
	invoke("rm", "org/demo@other", "-y").wants(t, cli.ExitUsage, "", "org/demo@other is not in the hub cache")
	invoke("rm", "org/demo", "-y").wants(t, cli.ExitOK, "", "removed org/demo@"+hubtest.Commit+": 1.")
	if left, err := filepath.Glob(filepath.Join(os.Getenv("HF_HUB_CACHE"), "models--*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A model that has a short name is listed with it.
func TestShortNameListed(t *testing.T) {
	hubtest.New(t, map[string]fs.FS{"tomg-group-umd/huginn-0125": demo.Files})
	invoke("pull", "huginn").wants(t, cli.ExitOK, "models--tomg-group-umd--huginn-0125", "")
	invoke("list").wants(t, cli.ExitOK, "  huginn\n", "")
	invoke("list", "--json").wants(t, cli.ExitOK, `"model":"tomg-group-umd/huginn-0125","alias":"huginn"`, "")
}

// What a model consists of, and what would fit, is seen before any of its weights is fetched.
func TestShowFromHub(t *testing.T) {
	h := demoHub(t)
	here, there := invoke("show", "demo"), invoke("show", "org/demo")
	there.wants(t, cli.ExitOK, "not here: `muninn pull org/demo` fetches 1.", "")
	table := func(o outcome) string { // of the parts; what is free changes
		_, parts, _ := strings.Cut(o.out, "PART")
		parts, _, _ = strings.Cut(parts, "\nON")
		return parts
	}
	if table(there) != table(here) || table(here) == "" || !strings.Contains(there.out, "a card of 24.00 GiB  ") {
		t.Errorf("here\n%s\nthere\n%s", here.out, there.out)
	}
	invoke("run", "org/demo", "--plan-for", "4GiB").wants(t, cli.ExitOK, "on a card of 4.00 GiB", "")
	if sent := h.Sent.Load(); sent > 700_000 {
		t.Errorf("%d bytes were sent", sent)
	}
	if left, err := filepath.Glob(filepath.Join(os.Getenv("HF_HUB_CACHE"), "models--*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Over a GiB nothing is fetched unasked; names of nothing get a sentence and an exit status.
func TestNotFetched(t *testing.T) {
	h := demoHub(t)
	h.Extra = 2 << 30
	invoke("tokenize", "org/demo", "a=1").wants(t, cli.ExitUsage, "", "org/demo is not here, and org/demo (2.0 GiB) would be fetched: confirm with --yes")
	invoke("run", "org/demo", "a=1", "--yes").wants(t, cli.ExitNetwork, "", "what the hub says: is a login page in between?")
	invoke("run", "org/gone", "x").wants(t, cli.ExitNetwork, "", "org/gone is neither here nor in the hub cache, and cannot be fetched: hub: there is no model org/gone on ")
	invoke("pull", "nonsense").wants(t, cli.ExitUsage, "", "nonsense is not the name of a model on the hub")
	invoke("pull", "org/demo@../x").wants(t, cli.ExitUsage, "", "is not the name of a model")
	h.Close()
	invoke("pull", "org/demo").wants(t, cli.ExitNetwork, "", "cannot be reached (dial tcp")
	t.Setenv("HF_HUB_OFFLINE", "1")
	for _, args := range []string{"pull org/demo", "run org/demo x", "show org/demo", "tokenize org/demo x", "serve org/demo"} { // one cause, one status
		invoke(strings.Fields(args)...).wants(t, cli.ExitNetwork, "", "forbids asking for org/demo")
	}
}

// What is kept is listed with its size, and cleared by kind; nothing else in the folder is touched.
func TestCacheVerb(t *testing.T) {
	dir := t.TempDir()
	i := invocation{env: map[string]string{"MUNINN_CACHE_DIR": dir}}
	i.run("cache").wants(t, cli.ExitOK, dir+": 0 B\n", "")
	i.run("cache", "--clear", "all").wants(t, cli.ExitOK, dir+": 0 B\n", "nothing to remove") // nothing to ask either
	for name, size := range map[string]int{"weights/q8_0-00.gguf": 3000, "weights/sources/x": 64, "pipelines/pipelines-1.bin": 2048, "pipelines/speed-1.bin": 2,
		"pipelines/verdict-1.bin": 3, "pipelines/tuning-1.bin": 6, "mine.txt": 7} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, make([]byte, size), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "mine.txt"), filepath.Join(dir, "pipelines/speed-2.bin")); err != nil {
		t.Fatal(err)
	}
	i.run("cache").wants(t, cli.ExitOK, "kernels       one file  2 KiB", "")
	i.run("cache", "--clear", "weights").wants(t, cli.ExitUsage, "", "Remove 2 files (3.0 KiB) of weights?")
	i.run("cache", "--clear", "weights", "-y").wants(t, cli.ExitOK, "measurements  3 files", "removed 3.0 KiB")
	i.run("cache", "--clear", "all", "-y", "--json").wants(t, cli.ExitOK, `"files":[],"freed_bytes":2059`, "")
	if _, err := os.Stat(filepath.Join(dir, "mine.txt")); err != nil {
		t.Error(err)
	}
}

// On a terminal a large model is asked for.
func TestAsks(t *testing.T) {
	h := demoHub(t)
	h.Extra = 2 << 30
	for answer, want := range map[string]string{"y\n": "is a login page in between?", "\n": "is not here, and was not fetched"} {
		got := onTerminalTyping(t, answer, "tokenize", "org/demo", "a=1")
		if !strings.Contains(got, "org/demo is not here. Fetch org/demo (2.0 GiB)? [y/N]") || !strings.Contains(got, want) {
			t.Errorf("%q: %s", answer, got)
		}
	}
}

// onTerminalTyping runs the program on a terminal where something is typed, and gives all that was written.
func onTerminalTyping(t *testing.T, keys string, args ...string) string {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm", "MUNINN_CACHE_DIR="+cacheDir)
	own, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if _, err := own.WriteString(keys); err != nil {
		t.Fatal(err)
	}
	all, _ := io.ReadAll(own) // EIO at the end
	_ = c.Wait()              // fails
	return string(all)
}
