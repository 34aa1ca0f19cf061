package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/bench"
	"muninn/vk/vktest"
)

// A report has the columns of the measurements in gpus.md, and what is predicted for the card; where nothing is, those stay empty.
func TestBenchReport(t *testing.T) {
	shape, err := arch.ParseShape("huginn")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "row.md")
	report, err := createBenchReport(path)
	if err != nil {
		t.Fatal(err)
	}
	row := bench.Row{Model: "huginn q4_0", Name: "NVIDIA GeForce RTX 4060", Driver: "NVIDIA 595.71", Format: "q4_0", Test: "tg32", Steps: 32, Median: 6.5, ReadShare: 0.81, Choices: "subgroup 32", Tuning: "by rule", First: 9}
	tests := []bench.Row{row, row, row, row}
	tests[1].Name, tests[2].Steps, tests[3].Test = "NVIDIA GeForce RTX 4060 Ti", 8, "pp64"
	w, err := newBenchWriter(&strings.Builder{}, "jsonl")
	if err != nil {
		t.Fatal(err)
	}
	w.report = report
	for _, r := range tests {
		if err := w.row(predicted(r, shape.Config)); err != nil {
			t.Fatal(err)
		}
	}
	if err := report.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	file, err := os.ReadFile("../../testdata/bench/gpus.md")
	_, measured, _ := strings.Cut(string(file), "\n## Measured\n\n")
	if err != nil || !strings.HasPrefix(measured, lines[0]+"\n"+lines[1]+"\n") {
		t.Errorf("gpus.md has other columns than\n%s\n%s", lines[0], lines[1])
	}
	if len(lines) != 6 {
		t.Fatalf("%d lines, want two of the head and three tests that generate:\n%s", len(lines)-1, text)
	}
	cells := func(line string) []string { return strings.Split(line, " | ") }
	if got := cells(lines[2]); len(got) != 11 || !strings.HasPrefix(lines[2], "| NVIDIA GeForce RTX 4060 | NVIDIA 595.71 | huginn | q4_0 | 32 | 6.50 | 0.81 | ") || got[7] == "" || got[8] == "" || got[9] != "subgroup 32; kernels by rule" {
		t.Errorf("%q", lines[2])
	}
	for _, line := range lines[3:5] {
		if got := cells(line); len(got) != 11 || got[7] != "" || got[8] != "" {
			t.Errorf("something is predicted: %q", line)
		}
	}
}

// The flag writes a line of what was measured, and refuses another form before it takes time.
func TestBenchReportFlag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "row.md")
	args := []string{"bench", "--shape", "64,2,128,1024,0,1,0", "--device", vktest.Names()[0], "-p", "4", "-n", "2", "-r", "1", "--reps", "1", "--report"}
	invoke(append(args, filepath.Join(t.TempDir(), "row.txt"))...).wants(t, cli.ExitUsage, "", "want a name that ends in .md")
	invoke(append(args, path)...).wants(t, cli.ExitOK, "tg2", "")
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 3 || !strings.Contains(string(text), " | bf16 | 1 | ") || !strings.Contains(string(text), "subgroup ") {
		t.Errorf("%v\n%s", err, text)
	}
}
