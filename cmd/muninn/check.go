package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
	"muninn/shaders/ref"
	"muninn/vk"
)

// checkOptions are the flags of check.
type checkOptions struct {
	deviceOptions
	Match string
	Large bool
	JSON  bool

	shaders []shaders.Options // kernels to check instead of the device's own choices; for tests
}

// AddFlags declares the flags.
func (o *checkOptions) AddFlags(fs *pflag.FlagSet) {
	o.deviceOptions.AddFlags(fs)
	fs.StringVar(&o.Match, "match", "", "only cases whose `text`, op/case, contains this")
	fs.BoolVar(&o.Large, "large", false, "also matrices of a full-size model: gigabytes of memory and many seconds")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each case, then one with the outcome")
}

func checkCommand() *cli.Command { return checkOf(&checkOptions{}) }

func checkOf(o *checkOptions) *cli.Command {
	return &cli.Command{
		Name:    "check",
		Summary: "compare every kernel on a device with a plain implementation on the CPU",
		Detail: `Graphics drivers have bugs that turn answers into garbage without any error. This runs each compiled kernel, in every
form that the device can run, on inputs of many sizes and compares the results with plain Go in float64. NMSE is the
squared error over the squared result of the worst row; LIMIT is what rounding explains, 0 where results must be equal
bit for bit. When a kernel is wrong, the exit status is 3.`,
		Examples: []string{"muninn check", "muninn check --device llvmpipe --match matmul"},
		Flags:    o.AddFlags,
		Run:      func(ctx context.Context, s *cli.Streams, _ []string) error { return check(ctx, s, o) },
	}
}

// checkRow is all cases of one op that ran with one set of kernels.
type checkRow struct {
	op, kernel  string
	cases, bad  int
	nmse, limit float64 // of the case that came nearest to its limit
	worst       float64 // how near: nmse over limit
}

func check(ctx context.Context, s *cli.Streams, o *checkOptions) (err error) {
	dev, err := openDevice(s, o.deviceOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	report := cli.JSONLines(s.Out)
	bar := cli.NewProgress(s, "checking kernels", -1, false)
	var failed error
	results, err := ref.Run(ctx, dev, ref.Options{Match: o.Match, Large: o.Large, Shaders: o.shaders, Progress: func(r ref.Result) {
		bar.Add(1)
		if o.JSON && failed == nil {
			failed = report.Encode(caseLine(r))
		}
	}})
	bar.Done()
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if len(results) == 0 {
		return cli.Usage("--match %q fits no case", o.Match)
	}
	var wrong []ref.Result
	for _, r := range results {
		if r.Err != nil || !r.OK {
			wrong = append(wrong, r)
		}
	}
	if o.JSON {
		err = report.Encode(checkSummary{describe(dev.Caps()), len(results), len(wrong), len(wrong) == 0})
	} else {
		err = printCheck(s, results)
	}
	if err != nil {
		return err
	}
	return wrongResults(s, dev.Caps(), wrong)
}

// checkLine is a result in JSON.
type checkLine struct {
	Op     string   `json:"op"`
	Case   string   `json:"case"`
	Kernel string   `json:"kernel"`
	NMSE   *float64 `json:"nmse"` // null when not a finite number
	Limit  float64  `json:"limit"`
	OK     bool     `json:"ok"`
	Detail string   `json:"detail,omitempty"`
}

type checkSummary struct {
	Device  string `json:"device"`
	Results int    `json:"results"`
	Wrong   int    `json:"wrong"`
	OK      bool   `json:"ok"`
}

func caseLine(r ref.Result) checkLine {
	l := checkLine{Op: r.Op, Case: r.Case, Kernel: r.Kernel, Limit: r.Limit, OK: r.OK && r.Err == nil, Detail: r.Detail}
	if !math.IsNaN(r.NMSE) && !math.IsInf(r.NMSE, 0) {
		l.NMSE = &r.NMSE
	}
	if r.Err != nil {
		l.Detail = r.Err.Error()
	}
	return l
}

// checkRows gathers results by op and kernels, in the order they came.
func checkRows(results []ref.Result) []*checkRow {
	var rows []*checkRow
	index := map[[2]string]*checkRow{}
	for _, r := range results {
		key := [2]string{r.Op, r.Kernel}
		row := index[key]
		if row == nil {
			row = &checkRow{op: r.Op, kernel: r.Kernel, worst: -1}
			index[key], rows = row, append(rows, row)
		}
		row.cases++
		if r.Err != nil || !r.OK {
			row.bad++
		}
		near := 0.0
		switch {
		case r.Limit > 0:
			near = r.NMSE / r.Limit
		case r.NMSE != 0:
			near = math.Inf(1)
		}
		if !(near <= row.worst) { // NaN counts as worst
			row.nmse, row.limit, row.worst = r.NMSE, r.Limit, near
		}
	}
	return rows
}

func printCheck(s *cli.Streams, results []ref.Result) error {
	t := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "OP\tKERNEL\tCASES\tNMSE\tLIMIT\tRESULT")
	for _, r := range checkRows(results) {
		result := s.Style(s.Out, cli.Green, "ok")
		if r.bad > 0 {
			result = s.Style(s.Out, cli.Red, fmt.Sprintf("WRONG in %d", r.bad))
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.2g\t%.2g\t%s\n", r.op, r.kernel, r.cases, r.nmse, r.limit, result)
	}
	return t.Flush()
}

// wrongResults names what is wrong, or returns nil.
func wrongResults(s *cli.Streams, c vk.Caps, wrong []ref.Result) error {
	if len(wrong) == 0 {
		s.Note("all kernels agree with their oracles on %s", describe(c))
		return nil
	}
	listWrong(s.Err, wrong)
	return fmt.Errorf("%w: %d of the results above on %s, driver %s, first of kernel %s in %s/%s",
		cli.ErrWrongResults, len(wrong), c.Name, c.Driver, wrong[0].Kernel, wrong[0].Op, wrong[0].Case)
}

// listWrong prints the first wrong results.
func listWrong(w io.Writer, wrong []ref.Result) {
	const most = 20
	for i, r := range wrong {
		if i == most {
			fmt.Fprintf(w, "... and %d more\n", len(wrong)-most)
			return
		}
		fmt.Fprintln(w, r)
	}
}
