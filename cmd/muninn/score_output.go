package main

import (
	"fmt"

	"muninn/cmd/muninn/cli"
	"muninn/model/score"
)

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
}
