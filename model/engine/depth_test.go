package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// depthHops are the problems' sizes: core steps that depend on each other, less one.
var depthHops = []int{0, 1, 2, 3, 4, 6, 8, 10, 12, 15}

// readers are the criteria that look at the state itself, which turns as long as the model follows a chain. The others look at
// the words, and a word may stand for a while in mid-chain.
var readers = []decode.Criterion{decode.LatentDiff, decode.Cosine, decode.Acceleration}

// TestExitsFollowHops: at the question, criteria on the state spend more steps on every longer chain, and answer as well as
// 32 steps do with at most half of them. MUNINN_TEST_PROBLEMS measures so many of each size instead of a few.
func TestExitsFollowHops(t *testing.T) {
	const deepest = 32
	each := testSize(t, "MUNINN_TEST_PROBLEMS", 4, 2)
	rng := demo.Rand(11)
	var problems []demo.Problem
	for _, hops := range depthHops {
		for range each {
			p, err := demo.Draw(rng, hops)
			if err != nil {
				t.Fatal(err)
			}
			problems = append(problems, p)
		}
	}
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, store.DemoName, engine.LoadOptions{})
	exits := []*decode.Exit{nil}
	for _, info := range decode.CriteriaOf(m.Config) {
		exits = append(exits, &decode.Exit{Criterion: info.Name})
	}
	all := asked(t, m, problems, exits, deepest)
	full := all[0].right

	table := &strings.Builder{}
	fmt.Fprintf(table, "| criterion | right | mean steps | %s |\n|---|---:|---:|%s\n", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(depthHops)), " | "), "[]"), strings.Repeat("---:|", len(depthHops)))
	fmt.Fprintf(table, "| none | %.1f %% | %d |\n", full, deepest)
	for i, info := range decode.CriteriaOf(m.Config) {
		steps, right := all[i+1].steps, all[i+1].right
		var by []float64
		var cells []string
		for group := range slices.Chunk(steps, each) {
			by = append(by, mean(group))
			cells = append(cells, fmt.Sprintf("%.1f", mean(group)))
		}
		average := mean(steps)
		fmt.Fprintf(table, "| %s | %.1f %% | %.1f | %s |\n", info.Name, right, average, strings.Join(cells, " | "))
		if !slices.Contains(readers, info.Name) {
			continue
		}
		if right < full-1 || average > deepest/2 {
			t.Errorf("%s: %.1f %% right with %.1f steps; 32 steps have %.1f %%", info.Name, right, average, full)
		}
		for i := 1; i < len(by); i++ {
			if by[i] <= by[i-1] {
				t.Errorf("%s: %.1f steps at %d hops, %.1f at %d: want more", info.Name, by[i], depthHops[i], by[i-1], depthHops[i-1])
			}
		}
	}
	t.Logf("steps at the question by hops, %d problems each, on %s\n%s", each, dev.Caps().Name, table)
}

// answered is what the questions of some problems came to: the steps that each took, and how many of the values that
// follow are right, in percent.
type answered struct {
	steps []float64
	right float64
}

// asked runs the problems' definitions at `deepest` steps, and then their questions with each of the exits.
func asked(t *testing.T, m *engine.Model, problems []demo.Problem, exits []*decode.Exit, deepest int) []answered {
	t.Helper()
	const side = 8
	s := session(t, m, engine.SessionOptions{Sequences: side, Context: 48, Rows: side * 48, MaxSteps: deepest, Exits: true})
	do := func(tasks []*decode.Task) {
		if err := s.Do(context.Background(), tasks...); err != nil {
			t.Fatal(err)
		}
	}
	all := make([]answered, len(exits))
	for group := range slices.Chunk(problems, side) {
		var rows [][]decode.TaskRow
		var definitions []*decode.Task
		for i, p := range group {
			ids, err := m.EncodePrompt(p.Text(), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Rewind(i, 0); err != nil {
				t.Fatal(err)
			}
			var list []decode.TaskRow
			for pos, id := range ids {
				list = append(list, decode.TaskRow{Pos: pos, Token: id, Begin: true})
			}
			rows = append(rows, list)
			definitions = append(definitions, &decode.Task{Seq: i, Steps: deepest, Rows: list[:len(list)-1]})
		}
		do(definitions)
		for e, exit := range exits {
			var questions []*decode.Task
			for i, list := range rows {
				questions = append(questions, &decode.Task{Seq: i, Steps: deepest, Exit: exit, Outputs: 1, Rows: list[len(list)-1:]})
			}
			do(questions)
			for i, a := range questions {
				all[e].steps = append(all[e].steps, float64(a.Taken))
				if string(m.Tokenizer.Bytes(a.Choices[0].Token)) == group[i].At(deepest) {
					all[e].right += 100 / float64(len(problems))
				}
			}
		}
	}
	return all
}
