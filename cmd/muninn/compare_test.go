package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/cmd/muninn/cli"
)

// TestCompare: each text is what a run at its depth gives, with an exit too. That no company changes a bit, TestSameBits holds on every device.
func TestCompare(t *testing.T) {
	device := firstDevice(t)
	for _, flags := range []string{"--criterion latent-diff", "--temp 3 --top-k 0 --seed 4"} {
		args := append([]string{"--device", device, "--json", "-n", "4"}, strings.Fields(flags)...)
		o := invoke(append([]string{"compare", "demo", chain, "-r", "1,9"}, args...)...)
		if o.code != cli.ExitOK {
			t.Fatal(o.err)
		}
		lines, ends := map[int][]tokenLine{}, map[int]compareEnd{}
		for line := range strings.Lines(o.out) {
			var l struct {
				Depth *int   `json:"num_steps"`
				Given *int32 `json:"id"`
				tokenLine
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.Depth == nil {
				t.Fatalf("%v: %s", err, line)
			}
			if strings.Contains(line, "finish_reason") {
				var end compareEnd
				if err := json.Unmarshal([]byte(line), &end); err != nil {
					t.Fatal(err)
				}
				ends[*l.Depth] = end
			} else if l.Given != nil {
				l.tokenLine.ID = *l.Given
				lines[*l.Depth] = append(lines[*l.Depth], l.tokenLine)
			}
		}
		for _, depth := range []string{"1", "9"} {
			alone := parseAnswer(t, invoke(append([]string{"run", "demo", chain, "-r", depth}, args...)...))
			if diff := cmp.Diff(alone.tokens, lines[alone.sum.Steps]); diff != "" {
				t.Errorf("%q, depth %s (-alone +compare):\n%s", flags, depth, diff)
			}
			e := ends[alone.sum.Steps]
			if e.Finish != alone.sum.Finish || e.Tokens != alone.sum.Tokens || e.StepsPerToken != alone.sum.StepsPerToken || e.CorePasses != alone.sum.CorePasses {
				t.Errorf("%q, depth %s: %+v, alone %+v", flags, depth, e, alone.sum)
			}
		}
	}
}

// TestCompareTexts: texts one after the other where nothing can be drawn in place, and what is refused.
func TestCompareTexts(t *testing.T) {
	device := firstDevice(t)
	o := invoke("compare", "demo", chain, "--device", device, "-r", "1,3", "-n", "2", "-q")
	o.wants(t, cli.ExitOK, "r = 1\nk?d?\n2 tok, 1.0 steps/tok", "")
	o.wants(t, cli.ExitOK, "\n\nr = 3\na?3;\n2 tok, 3.0 steps/tok", "")
	invoke("compare", "demo", chain, "--device", device, "-n", "1", "-q").wants(t, cli.ExitOK, "r = 8\n3;", "") // depths of the model's own
	for _, strategy := range []string{"speculative", "wave"} {
		invoke("compare", "demo", chain, "--device", device, "-r", "6,8", "-n", "4", "-q", "--decode", strategy).wants(t, cli.ExitOK, "r = 6\n3;", "")
	}
	one, four := parsePlan(t, invoke("compare", "demo", "--plan-for", "6GiB", "--json", "-r", "16")), parsePlan(t, invoke("compare", "demo", "--plan-for", "6GiB", "--json", "-r", "1,2,4,16"))
	if four.MemoryPlan.Device <= one.MemoryPlan.Device {
		t.Errorf("four depths are planned with %d bytes, one with %d", four.MemoryPlan.Device, one.MemoryPlan.Device)
	}
}
