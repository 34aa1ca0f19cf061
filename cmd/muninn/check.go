package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
	"muninn/shaders/ref"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
)

type checkOptions struct {
	deviceOptions
	Match string
	Large bool
	JSON  bool
	Job   bool

	Report string

	shaders []shaders.Options // kernels to check instead of the device's own choices; for tests
}

func (o *checkOptions) addFlags(fs *pflag.FlagSet) {
	o.deviceOptions.addFlags(fs)
	fs.StringVar(&o.Match, "match", "", "only cases whose `text`, op/case, contains this")
	fs.BoolVar(&o.Large, "large", false, "also matrices of a full-size model: gigabytes of memory and many seconds")
	fs.BoolVar(&o.Job, "job", false, "do what a self-test in another process asks on standard input")
	_ = fs.MarkHidden("job")
	fs.StringVar(&o.Report, "report", "", "also write all that was found to this `file`, .md or .json, to be put into a bug report; it says nothing of whose machine it is")
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
bit for bit. Rows come op by op; should the driver end the program, the last kernel named on standard error is the one
that it was at. When a kernel is wrong, the exit status is 3.`,
		Examples: []string{"muninn check", "muninn check --device llvmpipe --match matmul"},
		Flags:    o.addFlags,
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

// checkJob is the program once more, to do what a self-test asks. A driver that crashes or never returns ends it alone.
func checkJob(ctx context.Context, cacheDir string) *exec.Cmd {
	program, _ := os.Executable() // "" does not start, which is an error with a reason
	c := exec.CommandContext(ctx, program, "check", "--job")
	if c.Env = os.Environ(); cacheDir != "" {
		c.Env = append(c.Env, "MUNINN_CACHE_DIR="+cacheDir)
	}
	return c
}

// doJob is that program's side.
func doJob(ctx context.Context, s cli.Streams) error {
	s.Quiet = true
	open := func(device string) (*vk.Device, error) { return openDevice(&s, deviceOptions{Device: device}) }
	return selftest.Serve(ctx, s.In, s.Out, tune.Serving(selftest.Here(open), open))
}

func check(ctx context.Context, s *cli.Streams, o *checkOptions) (err error) {
	if o.Job {
		return doJob(ctx, *s)
	}
	var report *reportFile
	if o.Report != "" {
		if report, err = createReport(o.Report); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, report.Close()) }()
	}
	dev, err := openDevice(s, o.deviceOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	rows := newCheckRows(s, o.JSON)
	if report != nil {
		var found *deviceReport
		if found, err = newReport(ctx, s, o.deviceOptions, dev); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, found.write(s, report, rows, err)) }()
	}
	results, err := ref.Run(ctx, dev, ref.Options{Match: o.Match, Large: o.Large, Shaders: o.shaders, Progress: rows.result, Begin: rows.begin, Kernel: rows.kernel})
	rows.bar.Done()
	if err == nil && len(results) == 0 {
		return cli.Usage("--match %q matches no case", o.Match)
	}
	rows.flush()
	if err != nil {
		if rows.total > 0 {
			err = cli.After(err, "%d of %d cases; the kernels above are those that ran", rows.done, rows.total)
		}
		return errors.Join(err, rows.failed)
	}
	wrong := slices.DeleteFunc(slices.Clone(results), func(r ref.Result) bool { return r.Err == nil && r.OK })
	if o.JSON && rows.failed == nil {
		rows.failed = rows.json.Encode(checkSummary{describe(dev.Caps()), len(results), len(wrong), len(wrong) == 0})
	}
	if rows.failed != nil {
		return rows.failed
	}
	return wrongResults(s, dev.Caps(), wrong)
}

// checkRows prints results as they come: of an op its rows, or each by itself in JSON.
type checkRows struct {
	s           *cli.Streams
	json        *json.Encoder // nil: rows
	bar         *cli.Progress
	rows        []*checkRow // of the op under way
	op          string
	compiled    map[string]bool
	all         []*checkRow // of all ops
	results     []ref.Result
	done, total int       // cases
	noted       time.Time // when a case was, where there is no bar
	failed      error     // the first of writing
}

func newCheckRows(s *cli.Streams, asJSON bool) *checkRows {
	r := &checkRows{s: s, compiled: map[string]bool{}}
	if asJSON {
		r.json = cli.JSONLines(s.Out)
	} else {
		r.print("OP", "CASES", "NMSE", "LIMIT", fill("RESULT", checkResult), "KERNEL")
	}
	return r
}

// begin says on standard error which case comes. What is no terminal is told ops and kernels, once each, and a case each second.
func (r *checkRows) begin(done, total int, c ref.Case) {
	if r.bar == nil && done == 0 {
		r.bar = cli.NewProgress(r.s, "checking kernels", int64(total), false)
	}
	r.done, r.total = done, total
	other := c.Op != r.op
	if other {
		r.flush()
		r.op = c.Op
	}
	if r.bar.Drawn() {
		r.bar.Set(int64(done), 0)
	} else if other || time.Since(r.noted) > time.Second {
		r.noted = time.Now()
		r.s.Note("checking %s: case %d of %d", c.Op, done+1, total)
	}
}

// kernel names what is compiled or run: a driver that crashes says no more.
func (r *checkRows) kernel(names string) {
	if r.bar.Drawn() {
		r.bar.Say(r.op + ": " + names)
	} else if !r.compiled[names] && !strings.Contains(names, " ") {
		r.s.Note("  %s", names)
	}
	r.compiled[names] = true
}

func (r *checkRows) result(result ref.Result) {
	r.rows, r.results = addRow(r.rows, result), append(r.results, result)
	if r.json != nil && r.failed == nil {
		r.failed = r.json.Encode(caseLine(result))
	}
}

// checkResult is the width of a verdict.
const checkResult = 12

// flush prints the rows of the op that is done.
func (r *checkRows) flush() {
	r.all = append(r.all, r.rows...)
	if r.json != nil {
		r.rows = nil
	}
	if len(r.rows) > 0 {
		r.bar.Hide()
	}
	for _, row := range r.rows {
		style, text := cli.Green, "ok"
		if row.bad > 0 {
			style, text = cli.Red, fmt.Sprintf("WRONG in %d", row.bad)
		}
		r.print(row.op, fmt.Sprint(row.cases), fmt.Sprintf("%.2g", row.nmse), fmt.Sprintf("%.2g", row.limit), r.s.Style(r.s.Out, style, fill(text, checkResult)), row.kernel)
	}
	r.rows = nil
}

func (r *checkRows) print(op, cases, nmse, limit, result, kernel string) {
	if r.failed == nil {
		_, r.failed = fmt.Fprintf(r.s.Out, "%-12s %5s %8s %8s  %s  %s\n", op, cases, nmse, limit, result, kernel)
	}
}

func fill(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }

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
	l := checkLine{Op: r.Op, Case: r.Case, Kernel: r.Kernel, NMSE: finite(r.NMSE), Limit: r.Limit, OK: r.OK && r.Err == nil, Detail: r.Detail}
	if r.Err != nil {
		l.Detail = r.Err.Error()
	}
	return l
}

// addRow counts a result into the row of its kernels.
func addRow(rows []*checkRow, r ref.Result) []*checkRow {
	i := slices.IndexFunc(rows, func(row *checkRow) bool { return row.kernel == r.Kernel })
	if i < 0 {
		i, rows = len(rows), append(rows, &checkRow{op: r.Op, kernel: r.Kernel, worst: -1})
	}
	row := rows[i]
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
	return rows
}

// wrongResults lists what is wrong, the first of it, and makes an error of that; nil where nothing is.
func wrongResults(s *cli.Streams, c vk.Caps, wrong []ref.Result) error {
	if len(wrong) == 0 {
		s.Note("all kernels agree with their oracles on %s", describe(c))
		return nil
	}
	const most = 20
	for _, r := range wrong[:min(most, len(wrong))] {
		fmt.Fprintln(s.Err, r)
	}
	if more := len(wrong) - most; more > 0 {
		fmt.Fprintf(s.Err, "... and %d more\n", more)
	}
	return fmt.Errorf("%w: %d of the results above on %s, driver %s, first of kernel %s in %s/%s",
		cli.ErrWrongResults, len(wrong), c.Name, c.Driver, wrong[0].Kernel, wrong[0].Op, wrong[0].Case)
}
