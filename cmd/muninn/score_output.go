package main

import (
	"encoding/json"
	"fmt"
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model/score"
)

// scoreWork are the items as they go through a context.
type scoreWork struct {
	items   []score.Item
	first   []int // of parts, for each item
	parts   []score.Part
	of      []int // of parts, which of its item's it is
	results []*score.Result
}

func newScoreWork(items []score.Item, context, stride int) (*scoreWork, error) {
	w := &scoreWork{items: items}
	for _, item := range items {
		parts, of, err := item.Windows(context, stride)
		if err != nil {
			return nil, err
		}
		w.first = append(w.first, len(w.parts))
		w.parts, w.of = append(w.parts, parts...), append(w.of, of...)
	}
	w.first = append(w.first, len(w.parts))
	w.results = make([]*score.Result, len(w.parts))
	return w, nil
}

// sum takes in what came of a depth, prints its items in their order, if asked to, and, when it is whole, its sum.
func (w *scoreWork) sum(s *cli.Streams, steps int, asJSON, whole bool, took time.Duration) (score.Summary, error) {
	sum := score.Summary{Steps: steps, Seconds: took.Seconds()}
	var out *json.Encoder
	if asJSON {
		out = cli.JSONLines(s.Out)
	}
	for i, item := range w.items {
		var results []score.Result
		for _, r := range w.results[w.first[i]:w.first[i+1]] {
			if r != nil {
				results = append(results, *r)
			}
		}
		if len(results) < w.first[i+1]-w.first[i] {
			continue // the run has ended before
		}
		line := sum.Add(item, w.of[w.first[i]:w.first[i+1]], results)
		if out == nil {
			continue
		}
		if err := out.Encode(line); err != nil {
			return sum, err
		}
	}
	clear(w.results)
	if sum.Close(); out == nil || !whole {
		return sum, nil
	}
	return sum, out.Encode(sum)
}

// printScores prints a line for each depth, with columns for what there was to score.
func printScores(s *cli.Streams, sums []score.Summary) {
	type column struct {
		title string
		shown bool
		cell  func(score.Summary) string
	}
	number := func(places int, value func(score.Summary) *float64) func(score.Summary) string {
		return func(sum score.Summary) string {
			if v := value(sum); v != nil {
				return fmt.Sprintf("%.*f", places, *v)
			}
			return "-"
		}
	}
	percent := func(mean, deviation func(score.Summary) *float64) func(score.Summary) string {
		return func(sum score.Summary) string {
			text := "-"
			if v := mean(sum); v != nil {
				text = fmt.Sprintf("%.1f %%", 100**v)
			}
			if d := deviation(sum); d != nil {
				text += fmt.Sprintf(" ± %.1f", 100**d)
			}
			return text
		}
	}
	of := sums[0] // all depths have the same items
	columns := []column{
		{"r", true, func(sum score.Summary) string { return fmt.Sprint(sum.Steps) }},
		{"texts", of.Texts > 0, func(sum score.Summary) string { return fmt.Sprint(sum.Texts) }},
		{"tokens", of.Texts > 0, func(sum score.Summary) string { return fmt.Sprint(sum.Tokens) }},
		{"perplexity", of.Texts > 0, number(4, func(sum score.Summary) *float64 { return sum.Perplexity })},
		{"bits/byte", of.Bytes > 0, number(4, func(sum score.Summary) *float64 { return sum.BitsPerByte })},
		{"questions", of.Questions > 0, func(sum score.Summary) string { return fmt.Sprint(sum.Questions) }},
		{"accuracy", of.Questions > 0, percent(func(sum score.Summary) *float64 { return sum.Accuracy }, func(sum score.Summary) *float64 { return sum.AccuracyError })},
		{"by length", of.Questions > 0, percent(func(sum score.Summary) *float64 { return sum.Normed }, func(sum score.Summary) *float64 { return sum.NormedError })},
		{"continuations", of.Continuations > 0, func(sum score.Summary) string { return fmt.Sprint(sum.Continuations) }},
		{"greedy", of.Continuations > 0, func(sum score.Summary) string { return fmt.Sprint(sum.Greedy) }},
		{"steps/token", true, func(sum score.Summary) string { return fmt.Sprintf("%.2f", sum.StepsPerToken) }},
		{"seconds", true, func(sum score.Summary) string { return fmt.Sprintf("%.1f", sum.Seconds) }},
	}
	var titles []string
	for _, c := range columns {
		if c.shown {
			titles = append(titles, c.title)
		}
	}
	t := cli.NewTable(s, s.Out, titles...)
	for _, sum := range sums {
		var cells []any
		for _, c := range columns {
			if c.shown {
				cells = append(cells, c.cell(sum))
			}
		}
		t.Row(cells...)
	}
	t.Print()
	if n := of.Items - of.Texts - of.Questions - of.Continuations; n > 0 {
		s.Note("%s of choices without gold: --json has their likelihoods", cli.Plural(n, "item"))
	}
}
