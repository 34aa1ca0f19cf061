package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"muninn/model/bench/predict"
)

// Where predictions are, and the counts that they are made of.
const (
	countsPath  = "tools/lab/counts.json"
	gpusPath    = "testdata/bench/gpus.md"
	kernelsPath = "testdata/bench/kernels.md"
	knownPath   = "model/bench/predict/known.json"

	// What begins the ends of both files, that people write.
	measuredTitle, beforeTitle = "## Measured\n", "## Before and after\n"
)

//go:embed gpus.txt
var gpusHead string

//go:embed kernels.txt
var kernelsHead string

// writePredictions writes the table of predictions for people, and the one that "muninn bench" knows.
func writePredictions() error {
	kept, err := readCounts(countsPath)
	if err != nil {
		return err
	}
	text, known := predictions(kept)
	for path, text := range map[string][2]string{gpusPath: {text, measuredTitle}, kernelsPath: {kernelsHead + kernelTable(kept) + "\n", beforeTitle}} {
		old, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(text[0]+from(string(old), text[1])), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return writeJSON(knownPath, known)
}

// from is the end of a text, from a title on.
func from(text, title string) string {
	if i := strings.Index(text, title); i >= 0 {
		return text[i:]
	}
	return ""
}

func readCounts(path string) (kept map[string]predict.Counts, err error) {
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	return kept, err
}

// predictions are gpus.md, and the same in short.
func predictions(kept map[string]predict.Counts) (string, []predict.Known) {
	var b strings.Builder
	var known []predict.Known
	for _, model := range tokenModels {
		for _, format := range tokenFormats {
			steps := 0
			var rows strings.Builder
			for _, c := range predict.Cards {
				t, counts := tokenOf(kept[c.Lab], model, format)
				if t == nil {
					continue
				}
				steps = t.Steps
				p := c.Predict(*t, counts.Kernels)
				known = append(known, predict.Known{Card: c.Name, Model: model, Format: format, Steps: steps, Rate: round3(1e6 / p.Time), Share: round3(p.Share())})
				rows.WriteString(predictionRow(c, *t, counts.Kernels, p))
			}
			fmt.Fprintf(&b, "\n### %s in %s, r = %d\n\n%s", model, format, steps, head("card", "roof GB/s", "bytes ms", "trips ms", "instructions ms", "fill ms", "launches ms", "all but products ms",
				"token ms", "tokens/s", "share of roof", "share, nothing overlapped", "share, waits doubled"))
			b.WriteString(rows.String())
		}
	}
	return strings.NewReplacer("{PREDICTIONS}", b.String(), "{BARS}", barTable(kept), "{NORMS}", normTable(kept), "{CARDS}", cardTable()).Replace(gpusHead), known
}

func tokenOf(counts predict.Counts, model, format string) (*predict.Token, predict.Counts) {
	for i, t := range counts.Tokens {
		if t.Model == model && t.Format == format {
			return &counts.Tokens[i], counts
		}
	}
	return nil, counts
}

func predictionRow(c predict.Card, t predict.Token, kernels map[string]predict.Kernel, p predict.Terms) string {
	slow := c
	slow.Latency, slow.Cache, slow.Launch = 2*c.Latency, 2*c.Cache, 2*c.Launch
	waits := slow.Predict(t, kernels)
	ms := func(us float64) string { return fmt.Sprintf("%.1f", us/1e3) }
	return row(c.Name, fmt.Sprintf("%.0f", c.Bandwidth/1e9), ms(p.Bytes), ms(p.Trips), ms(p.Issue), ms(p.Fill), ms(p.Launch), ms(p.Norms), ms(p.Time),
		fmt.Sprintf("%.1f", 1e6/p.Time), fmt.Sprintf("%.2f", p.Share()), fmt.Sprintf("%.2f", p.Bytes/p.Worst), fmt.Sprintf("%.2f", waits.Bytes/waits.Time))
}

// bars are the shares of the roof that q4_0 decoding of Huginn is meant to reach.
var bars = map[string]float64{"RTX 4060": 0.85, "RTX 4090": 0.7, "RX 7600": 0.85, "Arc A770": 0.7}

// barTable holds the predictions against them, and says what of the bytes the adapters are.
func barTable(kept map[string]predict.Counts) string {
	text := head("card", "bar", "share", "nothing overlapped", "launches, of the token", "launches, of Ouro's", "adapters, of the bytes")
	for _, c := range predict.Cards {
		t, counts := tokenOf(kept[c.Lab], "huginn", "q4_0")
		o, _ := tokenOf(kept[c.Lab], "ouro-1.4b", "q4_0")
		if t == nil || o == nil || bars[c.Name] == 0 {
			continue
		}
		p, q, adapters := c.Predict(*t, counts.Kernels), c.Predict(*o, counts.Kernels), 0.0
		for _, cmd := range t.Commands {
			if strings.HasPrefix(cmd.Kernel, "adapter") {
				adapters += cmd.Bytes * float64(cmd.Times) / c.Bandwidth * 1e6
			}
		}
		text += row(c.Name, fmt.Sprintf("%.2f", bars[c.Name]), fmt.Sprintf("%.2f", p.Share()), fmt.Sprintf("%.2f", p.Bytes/p.Worst), fmt.Sprintf("%.2f", p.Launch/p.Time),
			fmt.Sprintf("%.2f", q.Launch/q.Time), fmt.Sprintf("%.2f", adapters/p.Bytes))
	}
	return text
}

// normTable is what the norms of tokens take, by kernel: on cards that have a bar, and of others the slowest of each model.
func normTable(kept map[string]predict.Counts) string {
	text := head("card", "model", "kernel", "a token", "instructions", "trips us", "instructions us", "us", "us without instructions")
	for _, c := range predict.Cards {
		for _, model := range tokenModels {
			seen, slowest, last := map[string]bool{}, 0.0, ""
			for _, n := range norms(c, kept, model) {
				us := func(v float64) string { return fmt.Sprintf("%.1f", v) }
				line := row(c.Name, model, "`"+n.Kernel+"`", fmt.Sprint(n.Times), fmt.Sprint(n.path), us(n.Trips), us(n.Issue), us(n.Time), us(max(n.Terms.Bytes, n.Trips)+n.Fill+n.Launch))
				switch {
				case seen[n.Kernel]:
				case bars[c.Name] != 0:
					text += line
				case n.Time > slowest:
					slowest, last = n.Time, line
				}
				seen[n.Kernel] = true
			}
			text += last
		}
	}
	return text
}

// norm is one of a token's, with what bounds it.
type norm struct {
	predict.Command
	predict.Terms
	path float64
}

// norms are those of a model's tokens in all formats, on a card.
func norms(c predict.Card, kept map[string]predict.Counts, model string) (list []norm) {
	for _, format := range tokenFormats {
		t, counts := tokenOf(kept[c.Lab], model, format)
		for i := 0; t != nil && i < len(t.Commands); i++ {
			if cmd := t.Commands[i]; cmd.IsNorm() {
				k := counts.Kernels[cmd.Kernel]
				list = append(list, norm{cmd, c.Bound(cmd, k), k.Path})
			}
		}
	}
	return list
}

// kernelTable has the products of a layer at decoding, on each card, with what the compiler made of them.
func kernelTable(kept map[string]predict.Counts) string {
	text := head("card", "model", "kernel", "rows of 16 B", "workgroups", "registers", "workgroups a unit", "KiB in flight a unit", "trips", "instructions a weight", "bytes us", "trips us",
		"instructions us", "bound")
	for _, c := range predict.Cards {
		for _, model := range tokenModels {
			var seen []predict.Command // the adapter has the same weights in all formats
			for _, format := range tokenFormats {
				t, counts := tokenOf(kept[c.Lab], model, format)
				if t == nil {
					continue
				}
				for _, cmd := range t.Commands {
					same := func(o predict.Command) bool {
						return o.Kernel == cmd.Kernel && o.Units == cmd.Units && o.Groups == cmd.Groups
					}
					if cmd.GEMV == nil || cmd.Times < t.Steps || slices.ContainsFunc(seen, same) {
						continue
					}
					seen = append(seen, cmd)
					k := counts.Kernels[cmd.Kernel]
					b := c.Bound(cmd, k)
					us := func(v float64) string { return fmt.Sprintf("%.1f", v) }
					text += row(c.Name, model, "`"+cmd.Kernel+"`", fmt.Sprint(cmd.Units), fmt.Sprint(cmd.Groups), fmt.Sprint(k.Registers), fmt.Sprint(c.Room.Occupancy(k, cmd.Lanes)),
						fmt.Sprintf("%.0f", c.InFlight(cmd, k)/1024), fmt.Sprint(cmd.TripsOf(k)), fmt.Sprintf("%.2f", predict.PerWeight(cmd, k)), us(b.Bytes), us(b.Trips), us(b.Issue), binds(b))
				}
			}
		}
	}
	return text
}

// binds names the largest term.
func binds(t predict.Terms) string {
	switch max(t.Bytes, t.Trips, t.Issue) {
	case t.Bytes:
		return "bytes"
	case t.Trips:
		return "trips"
	}
	return "instructions"
}

func cardTable() string {
	text := head("card", "counts of", "GB/s", "units", "GHz", "lanes a clock", "memory ns", "cache ns", "launch us")
	for _, c := range predict.Cards {
		text += row(c.Name, c.Lab, fmt.Sprintf("%.0f", c.Bandwidth/1e9), fmt.Sprint(c.Units), fmt.Sprint(c.Clock), fmt.Sprint(c.Rate), fmt.Sprint(c.Latency), fmt.Sprint(c.Cache), fmt.Sprint(c.Launch))
	}
	return text
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// head is that of a table.
func head(titles ...string) string {
	return row(titles...) + row(slices.Repeat([]string{"---"}, len(titles))...)
}

func round3(v float64) float64 {
	var r float64
	fmt.Sscanf(fmt.Sprintf("%.3g", v), "%g", &r)
	return r
}
