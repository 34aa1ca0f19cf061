package main

import (
	"fmt"
	"strconv"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/engine"
)

// shape is a model without weights, and the num_steps that it is measured at when none is asked for.
type shape struct {
	name   string
	config arch.Config
	steps  int
}

// benchShapes are the named ones: layers, widths and heads of usual stand-ins for such models in other engines. tiny is
// tinyloop at one step; huginn is the core block alone, with a small vocabulary, because the whole model takes gigabytes.
var benchShapes = []shape{
	{"tiny", shapeOf(1024, 16, 2816, 4096, 2, 4, 2), 1},
	{"tinyloop", shapeOf(1024, 16, 2816, 4096, 2, 4, 2), 8},
	{"huginn", shapeOf(5280, 55, 17920, 1024, 0, 4, 0), 1},
}

func shapeOf(embd, heads, ff, vocab, prelude, core, coda int) arch.Config {
	return arch.Config{
		NEmbd: embd, NHeads: heads, HeadDim: embd / max(heads, 1), IntermediateSize: ff, VocabSize: vocab, PaddedVocabSize: vocab,
		NLayersInPrelude: prelude, NLayersInRecurrentBlock: core, NLayersInCoda: coda,
		BlockSize: 4096, MeanRecurrence: 32, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
	}
}

// parseShape reads a name, or seven numbers: n_embd,heads,ff,vocab,P,R,C.
func parseShape(text string) (shape, error) {
	var names []string
	for _, s := range benchShapes {
		if s.name == text {
			return s, nil
		}
		names = append(names, s.name)
	}
	const form = "n_embd,heads,ff,vocab,P,R,C"
	items := strings.Split(text, ",")
	if len(items) == 1 {
		return shape{}, cli.Usage("--shape %s: want %s, or the seven numbers %s", text, strings.Join(names, ", "), form)
	}
	if len(items) != 7 {
		return shape{}, cli.Usage("--shape %s: %d numbers, want the seven of %s, as in 1024,16,2816,4096,2,4,2", text, len(items), form)
	}
	var n [7]int
	for i, item := range items {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(item)); err != nil || n[i] < 0 {
			return shape{}, cli.Usage("--shape %s: %q is no whole number from 0 on (%s)", text, item, strings.Split(form, ",")[i])
		}
	}
	c := shapeOf(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
	if err := engine.CheckShape(c); err != nil {
		return shape{}, cli.Usage("--shape %s: %v", text, err)
	}
	return shape{fmt.Sprintf("%dx%d", n[0], n[4]+n[5]+n[6]), c, c.MeanRecurrence}, nil
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
