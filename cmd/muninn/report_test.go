package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
	"muninn/shaders/ref"
)

// A report has verdict, device, choices and kernels, and nothing that tells whose machine it is.
func TestReport(t *testing.T) {
	device := firstDevice(t)
	wrong, err := shaders.SPIRV("embed_f16")
	if err != nil {
		t.Fatal(err)
	}
	broken := invocation{table: []*cli.Command{checkOf(&checkOptions{shaders: []shaders.Options{ref.Replacing(shaders.Options{}, map[string][]byte{"embed_bf16": wrong})}})}}
	for _, c := range []struct {
		name string
		run  invocation
		code int
		want []string
	}{
		{"right.md", invocation{}, cli.ExitOK, []string{"all ", "results right", "| embed | embed_bf16 |", "| subgroup |", "- roof: reads", `"max_storage_buffer_range"`}},
		{"wrong.md", broken, cli.ExitDevice, []string{"results wrong**", "- wrong: `embed_bf16` in embed/"}},
		{"wrong.json", broken, cli.ExitDevice, []string{`"kernel": "embed_bf16"`}},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		c.run.run("check", "--device", device, "--match", "embed/", "--report", path).wants(t, c.code, "embed_bf16", "wrote "+path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		host, _ := os.Hostname()
		for _, personal := range []string{os.TempDir(), host, cacheDir} {
			if len(personal) > 4 && strings.Contains(string(text), personal) {
				t.Errorf("%s tells %q", c.name, personal)
			}
		}
		for _, want := range append(c.want, device) {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q:\n%.2000s", c.name, want, text)
			}
		}
		var report deviceReport
		if strings.HasSuffix(path, ".json") {
			if err := json.Unmarshal(text, &report); err != nil || len(report.Wrong) == 0 || report.Device.UUID != "" || report.Results == 0 || len(report.Choices) < 10 {
				t.Errorf("%v: %.300s", err, text)
			}
		}
	}
	invoke("check", "--report", "report.txt").wants(t, cli.ExitUsage, "", ".json or .md")
	invoke("check", "--device", device, "--match", "move/", "--report", filepath.Join(t.TempDir(), "none", "r.md")).wants(t, cli.ExitFailure, "", "no such file")
}

// The self-test runs at the first start in a cache folder and not at the second; devices tells what it found, and it can be left out.
func TestSelfTest(t *testing.T) {
	device := firstDevice(t)
	start := invocation{env: map[string]string{"MUNINN_CACHE_DIR": t.TempDir()}}
	run := func(more ...string) string {
		o := start.run(append([]string{"run", "demo", "k=3;k?", "-n", "1", "-r", "4", "--device", device}, more...)...)
		o.wants(t, cli.ExitOK, "", "")
		return o.err
	}
	const says = "testing this device's kernels"
	if notes := run("--no-self-test"); strings.Contains(notes, says) {
		t.Errorf("left out: %s", notes)
	}
	start.run("devices").wants(t, cli.ExitOK, "not yet", "")
	if notes := run(); !strings.Contains(notes, says) {
		t.Errorf("first start: %s", notes)
	}
	start.run("devices", "-v").wants(t, cli.ExitOK, "matmul_bf16", "")
	if notes := run(); strings.Contains(notes, says) || strings.Contains(notes, "could not be tested") {
		t.Errorf("second start: %s", notes)
	}
	if notes := run("--kv-type", "q8"); !strings.Contains(notes, says) {
		t.Errorf("another KV type: %s", notes)
	}
}
