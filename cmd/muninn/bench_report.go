package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/bench"
	"muninn/model/bench/predict"
	"muninn/model/checkpoint"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// reportColumns are those of the measurements in testdata/bench/gpus.md.
var reportColumns = []benchColumn{
	{"device", func(r bench.Row) string { return r.Name }},
	{"driver", func(r bench.Row) string { return r.Driver }},
	{"shape", func(r bench.Row) string { name, _, _ := strings.Cut(r.Model, " "); return name }},
	{"format", func(r bench.Row) string { return r.Format }},
	{"r", func(r bench.Row) string { return strconv.Itoa(r.Steps) }},
	decimals("tokens/s", 2, func(r bench.Row) float64 { return r.Median }),
	decimals("share of roof", 2, func(r bench.Row) float64 { return r.ReadShare }),
	known("predicted tokens/s", func(r bench.Row) float64 { return r.Predicted }),
	known("predicted share", func(r bench.Row) float64 { return r.PredictedShare }),
	{"choices", func(r bench.Row) string { return r.Choices + "; kernels " + r.Tuning }},
	decimals("first s", 2, func(r bench.Row) float64 { return r.First }),
}

// known is a column that is empty where nothing is known.
func known(title string, of func(bench.Row) float64) benchColumn {
	return benchColumn{title, func(r bench.Row) string {
		if of(r) == 0 {
			return ""
		}
		return fmt.Sprintf("%.3g", of(r))
	}}
}

// benchReport is the file for --report; nil: there is none.
type benchReport struct{ *os.File }

func createBenchReport(path string) (*benchReport, error) {
	if path == "" {
		return nil, nil
	}
	if filepath.Ext(path) != ".md" {
		return nil, cli.Usage("--report %s: want a name that ends in .md", path)
	}
	f, err := os.Create(path)
	if err == nil {
		_, err = f.WriteString(markdown(reportColumns, func(c benchColumn) string { return c.title }) + markdown(reportColumns, func(benchColumn) string { return "---" }))
	}
	return &benchReport{f}, err
}

// row writes the line of a test that generates; others have no prediction.
func (b *benchReport) row(r bench.Row) error {
	if b == nil || !strings.HasPrefix(r.Test, "tg") {
		return nil
	}
	_, err := b.WriteString(markdown(reportColumns, func(c benchColumn) string { return c.cell(r) }))
	return err
}

func (b *benchReport) Close() error {
	if b == nil {
		return nil
	}
	return b.File.Close()
}

// predicted is a row with what is predicted for generating by a model of such a shape.
func predicted(r bench.Row, c arch.Config) bench.Row {
	i := slices.IndexFunc(arch.Shapes, func(s arch.Shape) bool { return s.Params() == c.Params() && s.NEmbd == c.NEmbd })
	if i < 0 || !strings.HasPrefix(r.Test, "tg") {
		return r
	}
	if k, ok := predict.Find(r.Name, arch.Shapes[i].Name, r.Format, r.Steps); ok {
		r.Predicted, r.PredictedShare = k.Rate, k.Share
	}
	return r
}

// formatOf names the format of weights: of the core's, where none is asked for; parts in formats of their own make another one.
func formatOf(s checkpoint.Scheme, c arch.Config, formats weights.Formats) string {
	if s.Quant == "" && len(s.Keep) == 0 {
		for _, spec := range c.TensorSpecs() {
			if spec.Part == arch.PartCore && spec.Matrix() {
				return string(formats(spec))
			}
		}
	}
	return strings.ReplaceAll(s.String(), ", keep ", " ")
}

// reportedChoices are the settings that say most about speed.
var reportedChoices = []string{"subgroup", "weight rows", "x rows", "int8 q8_0", "int8 q4_0", "integer dot", "gemv lanes", "norm lanes", "matrix units"}

// choicesOf are what was chosen for a device, in short.
func choicesOf(dev *vk.Device, opt shaders.Options) string {
	k, err := shaders.New(dev, opt)
	if err != nil {
		return ""
	}
	var list []string
	for _, s := range k.Settings() {
		if slices.Contains(reportedChoices, s.Name) {
			list = append(list, s.Name+" "+s.Value)
		}
	}
	return strings.Join(list, ", ")
}
