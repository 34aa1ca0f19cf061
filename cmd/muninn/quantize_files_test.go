//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"muninn/cmd/muninn/cli"
)

// No name or link that leads to a file of the source is written to, whatever the flags: that would destroy the model.
func TestQuantizeOntoItsSource(t *testing.T) {
	dir := t.TempDir()
	src, weights := filepath.Join(dir, "G"), filepath.Join(dir, "G", "model.safetensors")
	if err := os.CopyFS(src, os.DirFS("../../testdata/goldens/models/A-f32")); err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	q8 := path("q8.gguf")
	invoke("quantize", src, q8, "-q").wants(t, cli.ExitOK, "", "")
	before := contents(t, weights, filepath.Join(src, "config.json"), q8)
	if err := errors.Join(os.Symlink(weights, path("soft")), os.Link(weights, path("hard")), os.Symlink("G", path("folder")), os.Symlink("q8.gguf", path("soft.gguf")), os.Link(q8, path("hard.gguf"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(src)
	for _, c := range [][2]string{{src, weights}, {src, filepath.Join(src, "config.json")}, {src, path("soft")}, {src, path("hard")}, {src, path("folder/model.safetensors")},
		{path("folder"), weights}, {".", "model.safetensors"}, {"../folder", "../G/./model.safetensors"},
		{q8, q8}, {q8, path("soft.gguf")}, {path("soft.gguf"), q8}, {q8, path("hard.gguf")}, {"../q8.gguf", path("G/../q8.gguf")}} {
		for _, force := range [][]string{nil, {"--force"}} {
			invoke(append([]string{"quantize", c[0], c[1], "--quant", "q4_0"}, force...)...).wants(t, cli.ExitUsage, "", c[1]+" is a file of the model "+c[0])
		}
	}
	if !slices.Equal(contents(t, weights, filepath.Join(src, "config.json"), q8), before) {
		t.Error("the source was changed")
	}
	// A file of our own beside the weights is not the source.
	for range 2 {
		invoke("quantize", ".", "own.gguf", "--force", "-q").wants(t, cli.ExitOK, "", "")
	}
}

func contents(t *testing.T, paths ...string) []string {
	t.Helper()
	var all []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
	return all
}

// The model's name is shown; what a file cannot hold as one, and a stream as the file, are refused before any work.
func TestQuantizeNames(t *testing.T) {
	golden, err := filepath.Abs("../../testdata/goldens/models/A-f32")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	invoke("quantize", "demo", "x.gguf", "--name", "Grüner Rabe", "-q").wants(t, cli.ExitOK, "", "")
	invoke("show", "x.gguf").wants(t, cli.ExitOK, "Grüner Rabe", "")
	invoke("show", "x.gguf", "--json").wants(t, cli.ExitOK, `"name":"Grüner Rabe"`, "")
	for _, name := range []string{"\xff", "a\x1b[31m", "a\nb"} {
		invoke("quantize", "demo", "y.gguf", "--name", name).wants(t, cli.ExitUsage, "", "--name")
	}
	for _, dst := range []string{"-", ""} {
		invoke("quantize", "demo", dst).wants(t, cli.ExitUsage, "", "name the file to write")
	}
	if err := os.Symlink(golden, "m\xff"); err != nil {
		t.Fatal(err)
	}
	invoke("quantize", "m\xff", "z.gguf", "-q").wants(t, cli.ExitOK, "", "")
	if left, _ := filepath.Glob("*"); !slices.Equal(left, []string{"m\xff", "x.gguf", "z.gguf"}) {
		t.Errorf("files %q", left)
	}
}

// A file of weights in blocks that become others says so once, and what is made of it says it for ever.
func TestRequantized(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	const said, note = " has weights in q8_0: made into ", "its weights were q8_0 before"
	count := func(o outcome, text string, n int) {
		t.Helper()
		if strings.Count(o.err, text) != n || o.code != cli.ExitOK {
			t.Errorf("exit status %d, %q, want %q %d times", o.code, o.err, text, n)
		}
	}
	count(invoke("quantize", "demo", path("q8.gguf")), said, 0)
	count(invoke("quantize", path("q8.gguf"), path("same.gguf")), said, 0)
	count(invoke("quantize", path("q8.gguf"), path("q4.gguf"), "--quant", "q4_0"), said+"q4_0", 1)
	count(invoke("quantize", path("q8.gguf"), path("f32.gguf"), "--quant", "f32"), said+"f32", 1)
	for file, n := range map[string]int{"q8.gguf": 0, "same.gguf": 0, "q4.gguf": 1, "f32.gguf": 1} {
		o := invoke("show", path(file))
		if strings.Count(o.out+o.err, note) != n {
			t.Errorf("show %s: %q, want %q %d times", file, o.out+o.err, note, n)
		}
	}
	count(invoke("quantize", path("f32.gguf"), path("again.gguf"), "--quant", "q4_0"), note, 1)
	count(invoke("quantize", path("again.gguf"), path("last.gguf"), "--quant", "f16"), " has weights in q4_0", 1)
	invoke("show", path("last.gguf")).wants(t, cli.ExitOK, "", "its weights were q8_0, then q4_0, q8_0 before")
	for range 2 { // whether made now or kept
		count(invoke("run", path("q8.gguf"), "--prompt-ids", "1", "-n", "1", "-r", "1", "--quant", "q4_0", "--device", firstDevice(t)), said+"q4_0", 1)
	}
}

// Processes that quantize to one file at the same time leave a whole one, and a disk without room leaves none.
func TestQuantizeProcesses(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "x.gguf")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if out, err := program(nil, "quantize", "demo", dst, "--force").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	group.Wait()
	whole(t, dst)
	cmd := program(nil, "quantize", "demo", filepath.Join(dir, "y.gguf"))
	cmd.Args = append([]string{"sh", "-c", `ulimit -f 100; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	out, err := cmd.CombinedOutput()
	wantsExit(t, err, cli.ExitFailure)
	if !strings.Contains(string(out), "y.gguf takes 1.1 MB: not enough space on the disk") {
		t.Errorf("%s", out)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// What a trace writes does not replace a file of the model either.
func TestTraceOntoItsSource(t *testing.T) {
	dir := soundWith(t, nil)
	config := filepath.Join(dir, "config.json")
	before := contents(t, config)
	link := filepath.Join(t.TempDir(), "x.json")
	if err := os.Link(config, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{config, link} {
		invoke("trace", dir, "--prompt-ids", "1", "-n", "1", "-r", "1", "-o", name).wants(t, cli.ExitUsage, "", "--output "+name+" is a file of the model "+dir)
	}
	if !slices.Equal(contents(t, config), before) {
		t.Error("the config was changed")
	}
}
