package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
)

// floatLimit holds a float32 engine's logits and stages, which spread over 2 to 4: the sums of two float32 programs
// differ by up to 1e-4.
const floatLimit = 2e-4

type verdict string

const (
	pass verdict = "pass"
	fail verdict = "FAIL"
	// leftOut is a case of what engines do not have on purpose.
	leftOut verdict = "left out"
)

// result is one case on one checkpoint.
type result struct {
	Topic   string  `json:"topic"`
	Model   string  `json:"model"` // checkpoint folder; the file's name where there is none
	Case    string  `json:"case"`
	Worst   float64 `json:"worst"` // largest absolute error, as far as the case got
	Limit   float64 `json:"limit"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail,omitempty"` // what is wrong first
}

func (r result) String() string {
	line := fmt.Sprintf("%-11s %-14s %-40s worst %.1e limit %.0e %s", r.Topic, r.Model, r.Case, r.Worst, r.Limit, r.Verdict)
	if r.Detail != "" {
		line += ": " + r.Detail
	}
	return line
}

// check gathers the comparisons of one case.
type check struct {
	worst, limit float64
	rounded      bool // the engine's weights are not the model's: logits only, by rounded limits
	compared     int  // values
	problem      string
}

// errorf notes what is wrong; only the first is told.
func (c *check) errorf(format string, args ...any) {
	if c.problem == "" {
		c.problem = fmt.Sprintf(format, args...)
	}
}

// rows compares row by row, within limit.
func (c *check) rows(what string, got, want [][]float32) {
	if len(got) != len(want) {
		c.errorf("%s: %d rows, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		c.row(fmt.Sprintf("%s row %d", what, i), got[i], want[i])
	}
}

func (c *check) row(what string, got, want []float32) {
	if len(got) != len(want) {
		c.errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	if c.rounded {
		c.roundedRow(what, got, want)
		return
	}
	for i := range got {
		off := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(off) {
			off = math.MaxFloat64 // JSON has no NaN
		}
		c.worst = max(c.worst, off)
		c.compared++
		if off > c.limit {
			c.errorf("%s element %d is %g, want %g: off by %.1e", what, i, got[i], want[i], off)
		}
	}
}

// runTopic runs the cases of one topic, file by file, and hands out the results.
func runTopic(o options, e runner, t topic, emit func(result), skip func(cases int)) error {
	files, err := filepath.Glob(filepath.Join(o.dir, t.name, "*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("goldens: no .json in %s", filepath.Join(o.dir, t.name))
	}
	for _, path := range files { // sorted
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if err := runFile(o, e, t, path, name, emit, skip); err != nil {
			emit(result{Topic: t.name, Model: name, Case: "*", Verdict: fail, Detail: err.Error()})
		}
	}
	return nil
}

// runFile runs the cases of one file. An error means that it cannot be used at all.
func runFile(o options, e runner, t topic, path, name string, emit func(result), skip func(cases int)) error {
	f, ts, err := readFile(path)
	if err != nil {
		return err
	}
	cases, err := parseCases(t, f, o.caseName)
	if err != nil {
		return err
	}
	skip((len(f.Cases) - len(cases)) * max(len(f.Checkpoints), 1))
	if len(cases) == 0 {
		return nil
	}
	if len(f.Checkpoints) == 0 {
		if !t.bare {
			return fmt.Errorf("the file is about model %s and names no checkpoints", f.Model)
		}
		for _, gc := range cases {
			emit(runCase(o, t, name, gc, nil, ts))
		}
	}
	for _, checkpoint := range f.Checkpoints {
		if !strings.HasPrefix(checkpoint, o.model) {
			skip(len(cases))
			continue
		}
		runCheckpoint(o, e, t, checkpoint, cases, ts, emit)
	}
	return nil
}

// parseCases reads a file's cases and keeps those of the name asked for; `varied-depth` asks for `varied-depth.full` too.
func parseCases(t topic, f goldenFile, only string) ([]goldenCase, error) {
	var cases []goldenCase
	for i, raw := range f.Cases {
		gc, err := t.parse(raw)
		if err != nil {
			return nil, fmt.Errorf("case %d: %w", i+1, err)
		}
		if d, ok := gc.(interface{ ofFile(goldenFile) }); ok {
			d.ofFile(f)
		}
		if title := gc.title(); only == "" || title == only || strings.HasPrefix(title, only+".") {
			cases = append(cases, gc)
		}
	}
	return cases, nil
}

func runCheckpoint(o options, e runner, t topic, checkpoint string, cases []goldenCase, ts tensors, emit func(result)) {
	m, err := loadCheckpoint(e, o.dir, checkpoint)
	if err != nil {
		for _, gc := range cases {
			emit(result{Topic: t.name, Model: checkpoint, Case: gc.title(), Verdict: fail, Detail: err.Error()})
		}
		return
	}
	defer m.close()
	for _, gc := range cases {
		emit(runCase(o, t, checkpoint, gc, m, ts))
	}
}

func loadCheckpoint(e runner, dir, checkpoint string) (*loaded, error) {
	if !filepath.IsLocal(checkpoint) {
		return nil, fmt.Errorf("checkpoint %q is not a folder of models/", checkpoint)
	}
	return e.load(filepath.Join(dir, "models", checkpoint))
}

func runCase(o options, t topic, name string, gc goldenCase, m *loaded, ts tensors) result {
	c := &check{limit: floatLimit}
	if o.limits == eightBitLimits {
		c.limit, c.rounded = eightBitError, true
	}
	r := result{Topic: t.name, Model: name, Case: gc.title(), Limit: c.limit, Verdict: pass}
	if l, ok := gc.(interface{ leftOut() string }); ok && l.leftOut() != "" {
		r.Verdict, r.Detail = leftOut, l.leftOut()
		return r
	}
	err := gc.run(m, ts, c)
	r.Worst = c.worst
	switch {
	case c.problem != "":
		r.Verdict, r.Detail = fail, c.problem
	case err != nil:
		r.Verdict, r.Detail = fail, err.Error()
	case c.compared == 0:
		r.Verdict, r.Detail = fail, "the case compares nothing"
	}
	return r
}
