package serve

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
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

// setsDepth is a row of the README's table of how clients set depth: a route, what is sent there, and the core steps.
var setsDepth = regexp.MustCompile("(?m)^\\|.*\\| `(/v1/[^`]+)` \\| `\\{(.*)\\}` \\| (\\d+) \\|$")

// What the table says that clients send does what it says, and it has every effort and every budget.
func TestReadmeDepth(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	m, f := fakeModel("huginn", ids(t, "a")...)
	m.Config.MeanRecurrence, m.Steps, m.MaxSteps = 32, 32, 128
	s := serving(t, m, Options{})
	needs := map[string]string{"/v1/chat/completions": hello + `,"max_tokens":1`, "/v1/completions": `"prompt":"a","max_tokens":1`, "/v1/responses": `"input":"a","max_output_tokens":1`, "/v1/messages": question}
	rows, sent := setsDepth.FindAllStringSubmatch(string(data), -1), ""
	for _, row := range rows {
		sent += row[2]
		w := ask(s, row[1], "{"+needs[row[1]]+","+row[2]+"}")
		if got := f.asked[len(f.asked)-1].Steps; w.Code != http.StatusOK || strconv.Itoa(got) != row[3] {
			t.Errorf("%s %s: %d, %d core steps, README.md says %s", row[1], row[2], w.Code, got, row[3])
		}
	}
	wants := []string{}
	for _, name := range EffortNames() {
		wants = append(wants, `"reasoning_effort":"`+name+`"`)
	}
	for _, b := range budgets[:len(budgets)-1] {
		wants = append(wants, `"budget_tokens":`+strconv.Itoa(b.tokens)+"}")
	}
	for _, want := range wants {
		if !strings.Contains(sent, want) {
			t.Errorf("README.md does not say what %s sends", want)
		}
	}
	if len(rows) < 20 {
		t.Errorf("%d rows", len(rows))
	}
}
