package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build runs build.sh where only some commands are found; scripts are commands of the test's own, by name.
func build(t *testing.T, verb string, scripts map[string]string, found ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append(found, "bash", "dirname", "sed", "find", "uname", "cat", "grep") {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/usr/bin/env bash\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("../../build.sh", verb)
	c.Env = []string{"PATH=" + dir, "HOME=" + dir}
	out, err := c.CombinedOutput()
	return string(out), err
}

// What is missing ends the script at once, with what to do as its last words.
func TestBuildStops(t *testing.T) {
	const fine = "exit 0"
	for _, c := range []struct {
		name    string
		scripts map[string]string
		want    string
	}{
		{"no Go", nil, "build.sh: Go is missing; install Go 1.26 or newer from https://go.dev/dl\n"},
		{"an old Go", map[string]string{"go": "echo 'go: go.mod requires go >= 1.26.0 (running go 1.24.4; GOTOOLCHAIN=local)'; exit 1"}, "GOTOOLCHAIN=auto ./build.sh\n"},
		{"no compiler, no apt", map[string]string{"go": fine}, "by your system's means: gcc libc6-dev\n"},
		{"not root", map[string]string{"go": fine, "apt-get": fine, "id": "echo 1000"}, "start again:\n  sudo apt-get install -y gcc libc6-dev\n"},
		{"apt fails", map[string]string{"go": fine, "id": "echo 0", "apt-get": "exit 100"}, "build.sh: apt-get failed; see above\n"},
	} {
		for _, verb := range []string{"build", "demo", "test", "check", "deps", "shaders", "lab", "release"} {
			out, err := build(t, verb, c.scripts, "env")
			if err == nil || !strings.HasSuffix(out, c.want) || strings.Count(out, "\n") > 3 {
				t.Errorf("%s, %s: %v\n%s", c.name, verb, err, out)
			}
		}
	}
}

func TestBuildVerbs(t *testing.T) {
	if out, err := build(t, "help", nil, "env"); err != nil || !strings.Contains(out, "./build.sh demo") {
		t.Errorf("help: %v\n%s", err, out)
	}
	out, err := build(t, "tset", nil, "env")
	if code := err.(*exec.ExitError).ExitCode(); code != 2 || !strings.HasPrefix(out, "build.sh: no verb 'tset'\n") {
		t.Errorf("tset: %v\n%s", err, out)
	}
}
