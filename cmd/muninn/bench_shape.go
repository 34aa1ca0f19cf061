package main

import (
	"fmt"
	"strconv"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
)

// shapesHelp says what the named shapes are.
func shapesHelp() string {
	var list []string
	for _, s := range arch.Shapes {
		list = append(list, fmt.Sprintf("  %-11s  %s; -r %d", s.Name, s.Says, s.Steps))
	}
	return strings.Join(list, "\n")
}

// parseCounts reads a list of numbers from least on; an empty one, or 0 alone, is none.
func parseCounts(flag, text string, least, most int) ([]int, error) {
	if text = strings.TrimSpace(text); text == "" || text == "0" && least > 0 {
		return nil, nil
	}
	var list []int
	for item := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < least || n > most {
			return nil, cli.Usage("%s %s: %q: want numbers of %d to %d, separated by commas", flag, text, item, least, most)
		}
		list = append(list, n)
	}
	return list, nil
}
