package main

import (
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// Models of every family are shown with all of their parts, as they are and quantized.
func TestShowFamilies(t *testing.T) {
	for name, want := range map[string][]string{
		"W-f16":  {"ouro 0/4/0, width 80, 4 heads (2 of keys), mlp 208", "exit_gate   2", "The embedding is the output matrix too."},
		"H-bf16": {"hrm_text 0/4/0, width 64, 4 heads, mlp 160", "mean_recurrence 2 (H_cycles), L_cycles 3", "second_state  1", "core_block    16"},
		"S-bf16": {"retrofit 2/2/1, width 64, 4 heads (2 of keys)", "adapter     1        8192"},
	} {
		path := "../../testdata/goldens/family/models/" + name
		file := t.TempDir() + "/x.gguf"
		invoke("quantize", path, file, "--quant", "q4_0").wants(t, cli.ExitOK, "", "")
		for _, model := range []string{path, file} {
			o := invoke("show", model)
			for _, line := range want {
				if o.code != cli.ExitOK || !strings.Contains(o.out, line) {
					t.Errorf("%s: exit code %d, want %q in\n%s%s", model, o.code, line, o.out, o.err)
				}
			}
		}
	}
}
