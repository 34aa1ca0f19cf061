package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusedStrategyFails: a case that the engine refuses to run has failed, and says why.
func TestRefusedStrategyFails(t *testing.T) {
	c := spoiled{topic: "generate", file: "A", only: "r4.zero", json: func(c, _ map[string]any) {
		c["cache_lookup_strategy"] = "randomized"
	}}
	var out bytes.Buffer
	s, err := run(options{dir: c.write(t), engine: "reference", caseName: c.only}, &out)
	if err != nil {
		t.Fatal(err)
	}
	if s.Passed != 0 || s.Failed != 1 || s.Skipped == 0 || !strings.Contains(out.String(), "randomized") {
		t.Errorf("want one failed case and the others skipped, got:\n%s", &out)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if _, err := run(options{dir: goldens, engine: "reference", topics: []string{"forward"}, caseName: "len1", json: true}, &out); err != nil {
		t.Fatal(err)
	}
	var s summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	if s.Passed != 2 || len(s.Results) != 2 || s.Results[0].Case != "len1" || s.Results[0].Worst == 0 || s.Engine != "reference" {
		t.Errorf("got %+v, want len1 of two models with their errors", s)
	}
}

// TestUnanswerable: questions that name what is not there are errors, not empty successes.
func TestUnanswerable(t *testing.T) {
	empty := t.TempDir()
	for name, c := range map[string]struct {
		o    options
		want string
	}{
		"unknown topic":  {options{dir: goldens, engine: "reference", topics: []string{"backward"}}, `unknown topic "backward"; known: forward`},
		"unknown case":   {options{dir: goldens, engine: "reference", topics: []string{"sampling"}, caseName: "len5"}, `no case "len5"`},
		"unknown engine": {options{dir: goldens, engine: "steam"}, `unknown engine "steam"`},
		"device of none": {options{dir: goldens, engine: "reference", device: "0"}, "--device has no meaning"},
		"unknown format": {options{dir: goldens, engine: "reference", quant: "q5_0"}, `unknown weight format "q5_0"`},
		"blocks on none": {options{dir: goldens, engine: "reference", quant: "q8_0"}, "--quant and --keep have no meaning"},
		"no folder":      {options{dir: filepath.Join(empty, "x"), engine: "reference"}, "is not a folder"},
		"empty folder":   {options{dir: empty, engine: "reference"}, "none of the topics"},
		"topic missing":  {options{dir: empty, engine: "reference", topics: []string{"forward"}}, "no .json in"},
	} {
		var out bytes.Buffer
		if _, err := run(c.o, &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q; printed %q", name, err, c.want, &out)
		}
	}
}
