package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"muninn/vk/vktest/layer"
)

// round is one `go test` over some packages.
type round struct {
	name string
	why  string
	dir  string // of the module, "" for the program's
	env  []string
	args []string // of go test
}

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// results counts tests and gathers their output.
type results struct {
	passed, failed int
	cached         int                 // packages whose results are Go's cache's
	output         map[string][]string // by package and test, until it has passed
	times          []timing
}

// timing is what a test of the top level took.
type timing struct {
	seconds float64
	name    string
}

// run runs a round's tests and prints what failed, with its output.
func (r round) run(all *results) {
	start, before := time.Now(), *all
	fmt.Printf("---- %s: %s\n", r.name, r.why)
	all.output = map[string][]string{}
	cmd := exec.Command("go", append([]string{"test", "-json", "-timeout=30m"}, r.args...)...)
	cmd.Dir, cmd.Stderr = r.dir, os.Stderr
	cmd.Env = append(os.Environ(), r.env...)
	err := all.read(cmd, r.name)
	if err != nil && all.failed == before.failed {
		fmt.Printf("FAIL %s: %v\n", r.name, err)
		all.failed++
	}
	fmt.Printf("     %-14s %6.1fs  %d passed, %d failed", r.name, time.Since(start).Seconds(), all.passed-before.passed, all.failed-before.failed)
	if n := all.cached - before.cached; n > 0 {
		fmt.Printf("; %d packages cached", n)
	}
	fmt.Println()
}

// read runs a command and takes its events.
func (a *results) read(cmd *exec.Cmd, round string) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // a build error, say
			continue
		}
		a.take(e, round)
	}
	return cmp.Or(cmd.Wait(), lines.Err())
}

func (a *results) take(e event, round string) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		a.output[key] = append(a.output[key], e.Output)
		if layer.IsFinding(e.Output) {
			fmt.Printf("FAIL validation message in %s:\n%s", key, e.Output)
			a.failed++
		}
		if e.Test == "" && strings.HasPrefix(e.Output, "ok") && strings.Contains(e.Output, "(cached)") {
			a.cached++
		}
	case "pass":
		if e.Test != "" {
			a.passed++
		}
	case "skip":
		if e.Test != "" { // and not a package without tests
			fmt.Printf("SKIP %s\n%s", key, strings.Join(a.output[key], ""))
		}
	case "fail":
		a.failed++
		fmt.Printf("FAIL %s\n%s", key, strings.Join(a.output[key], ""))
		if e.Test == "" { // what ended the package may stand in a test that never ended
			a.printRest(e.Package)
		}
	default:
		return
	}
	if e.Action == "output" {
		return
	}
	delete(a.output, key)
	if e.Test != "" && !strings.Contains(e.Test, "/") {
		a.times = append(a.times, timing{e.Elapsed, round + ": " + key})
	}
}

// printRest prints the output of the package's tests that have neither passed nor failed.
func (a *results) printRest(pkg string) {
	for key, output := range a.output {
		if strings.HasPrefix(key, pkg+" ") && key != pkg+" " {
			fmt.Printf("UNFINISHED %s\n%s", key, strings.Join(output, ""))
		}
	}
}

// printSlowest prints the n tests that took longest.
func (a *results) printSlowest(n int) {
	slices.SortFunc(a.times, func(x, y timing) int { return cmp.Compare(y.seconds, x.seconds) })
	fmt.Println("---- the slowest tests")
	for _, t := range a.times[:min(n, len(a.times))] {
		fmt.Printf("     %6.1fs  %s\n", t.seconds, t.name)
	}
}
