package serve

import (
	"os"
	"strings"
	"testing"

	"muninn/model/arch"
)

// The README names every route of a dialect, every effort, and what those are of a Huginn.
func TestReadmeNames(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var wants []string
	for _, d := range dialects {
		wants = append(wants, d.Path)
	}
	for _, name := range EffortNames() {
		wants = append(wants, "`"+name+"`")
	}
	for _, want := range wants {
		if !strings.Contains(string(data), want) {
			t.Errorf("README.md does not speak of %s", want)
		}
	}
	for shape, want := range map[string][]int{"huginn": {4, 4, 8, 32, 64, 128, 128}, "ouro-1.4b": {2, 2, 2, 4, 4, 4, 4}} {
		s, err := arch.ParseShape(shape)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range EffortNames() {
			steps, criterion, _, err := effortDepth(name, s.Config)
			if gated := shape != "huginn" && name != "xhigh" && name != "max"; err != nil || steps != want[i] || gated != (criterion == "gate") {
				t.Errorf("%s of %s: %d core steps, criterion %q, want %d (%v)", name, shape, steps, criterion, want[i], err)
			}
		}
	}
}
