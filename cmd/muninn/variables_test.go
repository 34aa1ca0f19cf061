package main

import (
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// A variable that no flag of any verb has is noted with the nearest that one has, and nothing else is.
func TestMisspeltVariable(t *testing.T) {
	i := invocation{env: map[string]string{"MUNINN_NUM_STEP": "3", "MUNINN_SKIP_DEVICES": "", "MUNINN_SHAPE": "huginn", "MUNINN_SAMPLER": "plain", "HOME": "/"}}
	o := i.run("tokenize", "demo", "a=1")
	o.wants(t, cli.ExitOK, "", "environment variable MUNINN_NUM_STEP: no flag has this name; did you mean MUNINN_NUM_STEPS?\n")
	if n := strings.Count(o.err, "environment variable"); n != 1 {
		t.Errorf("%d notes: %s", n, o.err)
	}
	if o := i.run("tokenize", "demo", "a=1", "-q"); o.err != "" {
		t.Errorf("quiet: %q", o.err)
	}
}
