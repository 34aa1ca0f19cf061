package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/bench"
)

// benchColumn is a column of the tables for people.
type benchColumn struct {
	title string
	cell  func(bench.Row) string
}

func decimals(title string, places int, of func(bench.Row) float64) benchColumn {
	return benchColumn{title, func(r bench.Row) string { return strconv.FormatFloat(of(r), 'f', places, 64) }}
}

// benchColumns follow llama-bench's: model, size, params, backend, test, t/s.
var benchColumns = []benchColumn{
	{"model", func(r bench.Row) string { return r.Model }},
	{"size", func(r bench.Row) string { return cli.Size(r.Size) }},
	{"params", func(r bench.Row) string { return fmt.Sprintf("%.2f M", float64(r.Params)/1e6) }},
	{"backend", func(r bench.Row) string { return r.Name }},
	{"test", func(r bench.Row) string { return r.Test }},
	{"r", func(r bench.Row) string { return strconv.Itoa(r.Steps) }},
	{"layers", func(r bench.Row) string { return strconv.Itoa(r.Layers) }},
	{"t/s", func(r bench.Row) string { return fmt.Sprintf("%.2f ± %.2f", r.Mean, r.SD) }},
	decimals("median", 2, func(r bench.Row) float64 { return r.Median }),
	decimals("min", 2, func(r bench.Row) float64 { return r.Min }),
	decimals("max", 2, func(r bench.Row) float64 { return r.Max }),
	{"cost", func(r bench.Row) string {
		if r.Cost == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", r.Cost)
	}},
	decimals("GB/s", 2, func(r bench.Row) float64 { return r.GBs }),
	decimals("GFLOP/s", 1, func(r bench.Row) float64 { return r.GFLOPs }),
	decimals("read", 2, func(r bench.Row) float64 { return r.ReadShare }),
	decimals("fma", 2, func(r bench.Row) float64 { return r.FMAShare }),
	decimals("cpu ms", 2, func(r bench.Row) float64 { return r.CPU }),
	decimals("first s", 2, func(r bench.Row) float64 { return r.First }),
}

// markdown is a line of a table of columns.
func markdown(columns []benchColumn, cell func(benchColumn) string) string {
	line := "|"
	for _, c := range columns {
		line += " " + strings.ReplaceAll(cell(c), "|", "/") + " |"
	}
	return line + "\n"
}

// benchFields are what programs read: the names that a row has in JSON, or its values.
func benchFields(r bench.Row, names bool) (list []string) {
	v := reflect.ValueOf(r)
	for f, field := range v.Fields() {
		name, text := f.Tag.Get("json"), fmt.Sprint(field)
		if field.CanFloat() {
			text = strconv.FormatFloat(field.Float(), 'g', 6, 64)
		}
		if names {
			text = name
		}
		if name != "-" {
			list = append(list, text)
		}
	}
	return list
}

func benchFormats() []string { return []string{"md", "text", "csv", "json", "jsonl"} }

// textWidths are those of the columns that the form for terminals has; what they share stands above them.
var textWidths = map[string]int{"test": 8, "r": 5, "t/s": 18, "cost": 6, "GB/s": 8, "GFLOP/s": 9, "read": 6, "fma": 6, "first s": 9}

// text is a line of the columns in textWidths.
func text(cell func(benchColumn) string) string {
	var b strings.Builder
	for _, c := range benchColumns {
		if width := textWidths[c.title]; width > 0 {
			fmt.Fprintf(&b, "%*s", width, cell(c))
		}
	}
	return b.String()
}

// textRow is a row for terminals, below what it is of where that is another than before.
func (b *benchWriter) textRow(r bench.Row) string {
	row := text(func(c benchColumn) string { return c.cell(r) }) + "\n"
	of := fmt.Sprintf("%s: %s, %.2f M parameters\non %s, kernels %s\n", r.Model, cli.Size(r.Size), float64(r.Params)/1e6, r.Name, r.Tuning)
	if of != b.of {
		b.of, row = of, of+text(func(c benchColumn) string { return c.title })+"\n"+row
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
	report *benchReport
}

func newBenchWriter(w io.Writer, format string) (*benchWriter, error) {
	b := &benchWriter{w: w, format: format, csv: csv.NewWriter(w), rows: []bench.Row{}}
	var err error
	switch format {
	case "md":
		_, err = io.WriteString(w, markdown(benchColumns, func(c benchColumn) string { return c.title })+markdown(benchColumns, func(benchColumn) string { return "---:" }))
	case "csv":
		err = b.record(benchFields(bench.Row{}, true))
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
	err := b.report.row(r)
	if err != nil {
		return err
	}
	switch b.format {
	case "md":
		_, err = io.WriteString(b.w, markdown(benchColumns, func(c benchColumn) string { return c.cell(r) }))
	case "text":
		_, err = io.WriteString(b.w, b.textRow(r))
	case "csv":
		err = b.record(benchFields(r, false))
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
