package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/bench"
)

// benchColumn is a column of the table: short is its title for people, empty to leave it out there; name is that of the csv.
type benchColumn struct {
	short, name string
	people      func(bench.Row) string
	value       func(bench.Row) string
}

func number(of func(bench.Row) float64) func(bench.Row) string {
	return func(r bench.Row) string { return strconv.FormatFloat(of(r), 'g', 6, 64) }
}

func decimals(n int, of func(bench.Row) float64) func(bench.Row) string {
	return func(r bench.Row) string { return strconv.FormatFloat(of(r), 'f', n, 64) }
}

// column is one that people and programs read off the same number.
func column(short, name string, places int, of func(bench.Row) float64) benchColumn {
	return benchColumn{short, name, decimals(places, of), number(of)}
}

func words(short, name string, of func(bench.Row) string) benchColumn {
	return benchColumn{short, name, of, of}
}

// benchColumns follow llama-bench's: model, size, params, backend, test, t/s.
var benchColumns = []benchColumn{
	words("model", "model", func(r bench.Row) string { return r.Model }),
	{"size", "size", func(r bench.Row) string { return cli.Size(r.Size) }, func(r bench.Row) string { return strconv.FormatUint(r.Size, 10) }},
	{"params", "params", func(r bench.Row) string { return fmt.Sprintf("%.2f M", float64(r.Params)/1e6) }, func(r bench.Row) string { return strconv.FormatInt(r.Params, 10) }},
	{"backend", "device", func(r bench.Row) string { return r.Name }, func(r bench.Row) string { return r.Device }},
	words("test", "test", func(r bench.Row) string { return r.Test }),
	column("r", "num_steps", 0, func(r bench.Row) float64 { return float64(r.Steps) }),
	column("layers", "layers", 0, func(r bench.Row) float64 { return float64(r.Layers) }),
	column("", "reps", 0, func(r bench.Row) float64 { return float64(r.Reps) }),
	{"t/s", "tokens_per_second", func(r bench.Row) string { return fmt.Sprintf("%.2f ± %.2f", r.Mean, r.SD) }, number(func(r bench.Row) float64 { return r.Mean })},
	column("", "tokens_per_second_sd", 2, func(r bench.Row) float64 { return r.SD }),
	column("median", "tokens_per_second_median", 2, func(r bench.Row) float64 { return r.Median }),
	column("min", "tokens_per_second_min", 2, func(r bench.Row) float64 { return r.Min }),
	column("max", "tokens_per_second_max", 2, func(r bench.Row) float64 { return r.Max }),
	{"cost", "cost", func(r bench.Row) string {
		if r.Cost == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", r.Cost)
	}, number(func(r bench.Row) float64 { return r.Cost })},
	column("GB/s", "weight_gb_per_second", 2, func(r bench.Row) float64 { return r.GBs }),
	column("GFLOP/s", "gflop_per_second", 1, func(r bench.Row) float64 { return r.GFLOPs }),
	column("read", "share_of_read_roof", 2, func(r bench.Row) float64 { return r.ReadShare }),
	column("fma", "share_of_fma_roof", 2, func(r bench.Row) float64 { return r.FMAShare }),
	column("", "roof_gb_per_second", 2, func(r bench.Row) float64 { return r.RoofRead }),
	column("", "roof_gflop_per_second", 1, func(r bench.Row) float64 { return r.RoofFMA }),
	column("cpu ms", "cpu_ms_per_core_and_token", 2, func(r bench.Row) float64 { return r.CPU }),
	column("first s", "first_run_seconds", 2, func(r bench.Row) float64 { return r.First }),
}

func benchFormats() []string { return []string{"md", "text", "csv", "json", "jsonl"} }

// textWidths are those of the columns that the form for terminals has; what they share stands above them.
var textWidths = map[string]int{"test": 8, "r": 5, "t/s": 18, "cost": 6, "GB/s": 8, "GFLOP/s": 9, "read": 6, "fma": 6, "first s": 9}

// text is a line of the columns in textWidths.
func text(cell func(benchColumn) string) string {
	var b strings.Builder
	for _, c := range benchColumns {
		if width := textWidths[c.short]; width > 0 {
			fmt.Fprintf(&b, "%*s", width, cell(c))
		}
	}
	return b.String()
}

// textRow is a row for terminals, below what it is of where that is another than before.
func (b *benchWriter) textRow(r bench.Row) string {
	row := text(func(c benchColumn) string { return c.people(r) }) + "\n"
	of := fmt.Sprintf("%s: %s, %.2f M parameters\non %s\n", r.Model, cli.Size(r.Size), float64(r.Params)/1e6, r.Name)
	if of != b.of {
		b.of, row = of, of+text(func(c benchColumn) string { return c.short })+"\n"+row
	}
	return row
}

// benchWriter writes rows as they come; json is one array, at the end.
type benchWriter struct {
	w      io.Writer
	format string
	csv    *csv.Writer
	rows   []bench.Row
	of     string // what the text's rows are of
}

func newBenchWriter(w io.Writer, format string) (*benchWriter, error) {
	b := &benchWriter{w: w, format: format, csv: csv.NewWriter(w), rows: []bench.Row{}}
	var titles, rule, names []string
	for _, c := range benchColumns {
		if names = append(names, c.name); c.short != "" {
			titles, rule = append(titles, c.short), append(rule, "---:")
		}
	}
	var err error
	switch format {
	case "md":
		_, err = fmt.Fprintf(w, "| %s |\n| %s |\n", strings.Join(titles, " | "), strings.Join(rule, " | "))
	case "csv":
		err = b.record(names)
	}
	return b, err
}

// record writes a line of csv at once: a test may take minutes.
func (b *benchWriter) record(fields []string) error {
	_ = b.csv.Write(fields) // Error has it
	b.csv.Flush()
	return b.csv.Error()
}

func (b *benchWriter) row(r bench.Row) error {
	var err error
	switch b.format {
	case "md":
		var cells []string
		for _, c := range benchColumns {
			if c.short != "" {
				cells = append(cells, strings.ReplaceAll(c.people(r), "|", "/"))
			}
		}
		_, err = fmt.Fprintf(b.w, "| %s |\n", strings.Join(cells, " | "))
	case "text":
		_, err = io.WriteString(b.w, b.textRow(r))
	case "csv":
		var cells []string
		for _, c := range benchColumns {
			cells = append(cells, c.value(r))
		}
		err = b.record(cells)
	case "jsonl":
		err = cli.JSONLines(b.w).Encode(r)
	case "json":
		b.rows = append(b.rows, r)
	}
	return err
}

func (b *benchWriter) close() error {
	if b.format != "json" {
		return nil
	}
	return cli.JSON(b.w, b.rows)
}
