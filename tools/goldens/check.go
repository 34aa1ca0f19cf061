package main

import (
	"fmt"
	"math"
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

// fatalf notes what is wrong and ends the case.
func (c *check) fatalf(format string, args ...any) { need(fmt.Errorf(format, args...)) }

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

// stopped is what ends a case early: a panic that attempt catches.
type stopped struct{ cause error }

// need ends the case under way where there is an error.
func need(err error) {
	if err != nil {
		panic(stopped{err})
	}
}

// must is need for a function that gives a value as well.
func must[T any](v T, err error) T {
	need(err)
	return v
}

// attempt runs a case to its end, or to the first error that it cannot go on after.
func attempt(gc goldenCase, m *loaded, ts tensors, c *check) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case stopped:
			c.errorf("%v", end.cause)
		default:
			panic(end)
		}
	}()
	gc.run(m, ts, c)
}
