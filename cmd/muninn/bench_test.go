package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/bench"
	"muninn/model/engine"
	"muninn/vk/vktest"
)

// A real run in each form. The numbers differ from run to run; that they hang together does not.
func TestBench(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		args := []string{"bench", "--shape", "64,2,128,8192,1,2,1", "--device", device, "-p", "4", "-n", "2", "-r", "1,3", "--rows", "1,2", "--quant", "f32,q4_0", "--reps", "3"}
		o := invoke(append(args, "-o", "json")...)
		o.wants(t, cli.ExitOK, "", "measuring the device's roof")
		var rows []bench.Row
		if err := json.Unmarshal([]byte(o.out), &rows); err != nil {
			t.Fatalf("%v\n%s", err, o.out)
		}
		var names []string
		for _, r := range rows {
			names = append(names, r.Test+" r"+strconv.Itoa(r.Steps))
			if r.Reps != 3 || !(r.Min > 0 && r.Min <= r.Median && r.Median <= r.Max && r.Min <= r.Mean && r.Mean <= r.Max) || !(r.First > 0) {
				t.Errorf("%s: %+v", r.Test, r)
			}
			if !(r.GBs > 0 && r.GFLOPs > 0) || math.Abs(r.ReadShare-r.GBs/r.RooflineRead) > 1e-9 || math.Abs(r.FMAShare-r.GFLOPs/r.RooflineFMA) > 1e-9 {
				t.Errorf("%s: shares of the roof: %+v", r.Test, r)
			}
			// Embedding and head, four layers of six matrices, four norms and a bias, the adapter, the last norm.
			if want := int64(2*8192*64 + 4*(4*64*64+3*64*128+4*64+2*64) + 2*64*64 + 64); r.Device == "" || r.Params != want {
				t.Errorf("%s: device %q, %d parameters, want %d", r.Test, r.Device, r.Params, want)
			}
		}
		one := []string{"pp4 r1", "tg2 r1", "pp4 r3", "tg2 r3", "rows1 r1", "rows2 r1"}
		if want := append(append([]string{}, one...), one...); !reflect.DeepEqual(names, want) {
			t.Fatalf("tests %v, want %v", names, want)
		}
		if rows[0].Layers != 4 || rows[2].Layers != 8 || rows[4].Layers != 2 || rows[4].Cost != 1 || !(rows[5].Cost > 0) || rows[0].Cost != 0 {
			t.Errorf("layers %d, %d, %d, costs %g, %g, %g", rows[0].Layers, rows[2].Layers, rows[4].Layers, rows[4].Cost, rows[5].Cost, rows[0].Cost)
		}
		if rows[6].Size >= rows[0].Size {
			t.Errorf("%d bytes in q4_0, %d in f32", rows[6].Size, rows[0].Size)
		}
	})
}

// A model instead of a shape, and where the time of a token goes.
func TestBenchModel(t *testing.T) {
	args, prompt := []string{"bench", "demo", "-n", "1", "-r", "1", "--reps", "1", "--quant", "q8_0", "--profile", "-o", "csv", "--device", vktest.Names()[0]}, ",pp64," // 512 are more than it takes
	if testing.Short() {
		args, prompt = append(args, "-p", "2"), ",pp2,"
	}
	o := invoke(args...)
	o.wants(t, cli.ExitOK, "demo q8_0,", "matmul_norm_q8_0_")
	if lines := strings.Count(o.out, "\n"); lines != 3 || !strings.Contains(o.out, prompt) {
		t.Errorf("%d lines, want the header and two tests:\n%s", lines, o.out)
	}
}

// sampleRow has a number of its own in each field, and a name that forms must quote.
var sampleRow = bench.Row{
	Model: `a, "b" q8_0`, Size: 3 << 20, Params: 5e6, Device: "card (driver 7)", Name: "card", Driver: "driver 7", Format: "q8_0", Test: "rows8", Steps: 9, Layers: 10, Reps: 11,
	Mean: 12.25, SD: 1.5, Median: 13, Min: 14, Max: 15, Cost: 2.5, GBs: 16, GFLOPs: 17, ReadShare: 0.18, FMAShare: 0.19, RooflineRead: 20,
	RooflineFMA: 21, CPU: 22, First: 23, Choices: "subgroup 32", Predicted: 24, PredictedShare: 0.25,
}

func written(t *testing.T, format string, rows ...bench.Row) string {
	t.Helper()
	var b strings.Builder
	w, err := newBenchWriter(&b, format)
	for _, r := range rows {
		if err == nil {
			err = w.row(r)
		}
	}
	if err == nil {
		err = w.close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBenchForms(t *testing.T) {
	md := "| a, \"b\" q8_0 | 3 MiB | 5.00 M | card | rows8 | 9 | 10 | 12.25 ± 1.50 | 13.00 | 14.00 | 15.00 | 2.50 | 16.00 | 17.0 | 0.18 | 0.19 | 22.00 | 23.00 |"
	if lines := strings.Split(written(t, "md", sampleRow), "\n"); len(lines) != 4 || lines[2] != md || strings.Count(lines[0], "|") != strings.Count(md, "|") || strings.Count(lines[1], "|") != strings.Count(md, "|") {
		t.Errorf("md:\n%s\nwant the line\n%s", strings.Join(lines, "\n"), md)
	}
	records, err := csv.NewReader(strings.NewReader(written(t, "csv", sampleRow, sampleRow))).ReadAll()
	if err != nil || len(records) != 3 {
		t.Fatalf("csv: %d records, %v", len(records), err)
	}
	// Both forms for programs name the same things and give them the same values.
	var fields map[string]any
	if err := json.Unmarshal([]byte(written(t, "jsonl", sampleRow)), &fields); err != nil {
		t.Fatal(err)
	}
	if len(fields) != len(records[0]) {
		t.Errorf("%d fields in json, %d columns in csv", len(fields), len(records[0]))
	}
	for i, name := range records[0] {
		got := records[2][i]
		switch want := fields[name].(type) {
		case string:
			if got != want {
				t.Errorf("%s: %q in csv, %q in json", name, got, want)
			}
		case float64:
			if x, err := strconv.ParseFloat(got, 64); err != nil || x != want {
				t.Errorf("%s: %q in csv, %v in json", name, got, want)
			}
		default:
			t.Errorf("%s: not in json", name)
		}
	}
	var list []bench.Row
	want := sampleRow
	want.Name = "" // for people only
	if err := json.Unmarshal([]byte(written(t, "json", sampleRow, sampleRow)), &list); err != nil || len(list) != 2 || list[1] != want {
		t.Errorf("json: %v, %+v", err, list)
	}
	if got := written(t, "json"); strings.TrimSpace(got) != "[]" {
		t.Errorf("json of nothing: %q", got)
	}
}

func TestBenchRefusals(t *testing.T) {
	for want, args := range map[string][]string{
		"nothing to measure: name a MODEL":       {},
		"give one of them":                       {"demo", "--shape", "tiny"},
		"want one of tiny, tinyloop, hugi":       {"--shape", "tinny"},
		"shape open none.json: no such fil":      {"--shape", "none.json"},
		"or the seven numbers n_embd,head":       {"--shape", "64,2,128,64,1,2"},
		`"x" is no whole number`:                 {"--shape", "64,2,x,64,1,2,1"},
		`"-2" is no whole number`:                {"--shape", "64,-2,128,64,1,2,1"},
		"an even head size":                      {"--shape", "64,3,128,64,1,2,1"},
		"1 to 512 of the core":                   {"--shape", "64,2,128,64,1,0,1"},
		"--prompt 4,x":                           {"--shape", "tiny", "-p", "4,x"},
		"--prompt 9999":                          {"--shape", "tiny", "-p", "9999"},
		"--rows 129":                             {"--shape", "tiny", "--rows", "129"},
		"--num-steps -1":                         {"--shape", "tiny", "-r", "-1"},
		"--reps 0":                               {"--shape", "tiny", "--reps", "0"},
		"are all empty":                          {"--shape", "tiny", "-p", "0", "-n", "0"},
		`unknown weight format "q9"`:             {"--shape", "tiny", "--quant", "q8_0,q9"},
		"want one of md, text, csv, json, jsonl": {"--shape", "tiny", "-o", "xml"},
	} {
		o := invoke(append([]string{"bench"}, args...)...)
		o.wants(t, cli.ExitUsage, "", want)
		o.wants(t, cli.ExitUsage, "", "muninn help bench")
	}
}

// A shape means the same in every tool, and what it is called is what it has.
func TestShapesAreWhatTheySay(t *testing.T) {
	for name, want := range map[string]float64{"huginn": 3.56, "huginn-core": 1.65, "ouro-1.4b": 1.43, "ouro-2.6b": 2.67, "nanbeige-3b": 4.17,
		"hrm-1b": 1.18, "tinyllama-r": 0.84, "llama-1b-r": 1.39, "olmo-1b-r": 1.36} {
		s, err := arch.ParseShape(name)
		if got := float64(s.Params()) / 1e9; err != nil || math.Abs(got-want) > 0.006 || !strings.Contains(s.Says, fmt.Sprintf("%.2f G weights", got)) {
			t.Errorf("%s has %.3f G weights, %v; want %g", name, got, err, want)
		}
		if err := engine.CheckShape(s.Config); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.JSON == "" {
			continue
		}
		path := filepath.Join(t.TempDir(), "cut.json")
		err = os.WriteFile(path, []byte(s.JSON), 0o600)
		if of, err2 := arch.ParseShape(path); err != nil || err2 != nil || of.Params() != s.Params() || of.Steps != s.Steps || of.Name != "cut" {
			t.Errorf("%s by its config.json: %+v, %v, %v", name, of, err, err2)
		}
	}
	invoke("help", "bench").wants(t, cli.ExitOK, "huginn-core  its core block alone, 1.65 G weights with a vocabulary of 1024; -r 1", "")
}
