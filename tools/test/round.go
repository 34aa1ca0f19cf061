package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
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
	skipped        int
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
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		all.read(out, r.name)
		err = cmd.Wait()
	}
	if err != nil && all.failed == before.failed {
		fmt.Printf("FAIL %s: %v\n", r.name, err)
		all.failed++
	}
	fmt.Printf("     %-14s %6.1fs  %d passed, %d failed; %d packages cached\n", r.name, time.Since(start).Seconds(),
		all.passed-before.passed, all.failed-before.failed, all.cached-before.cached)
}

func (a *results) read(out io.Reader, round string) {
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
		if e.Test == "" && strings.HasSuffix(e.Output, "\t(cached)\n") {
			a.cached++
		}
		return
	case "pass":
		if e.Test != "" {
			a.passed++
		}
	case "skip":
		if e.Test != "" { // and not a package without tests
			a.print("SKIP", key)
			a.skipped++
		}
	case "fail":
		a.failed++
		for k := range a.output { // what ended a package may stand in a test that never ended
			if k == key || e.Test == "" && strings.HasPrefix(k, key) {
				a.print("FAIL", k)
			}
		}
	default:
		return
	}
	delete(a.output, key)
	if e.Test != "" && !strings.Contains(e.Test, "/") {
		a.times = append(a.times, timing{e.Elapsed, round + ": " + key})
	}
}

func (a *results) print(verdict, key string) {
	fmt.Printf("%s %s\n%s", verdict, key, strings.Join(a.output[key], ""))
}

// printSlowest prints the n tests that took longest.
func (a *results) printSlowest(n int) {
	slices.SortFunc(a.times, func(x, y timing) int { return cmp.Compare(y.seconds, x.seconds) })
	fmt.Println("---- the slowest tests")
	for _, t := range a.times[:min(n, len(a.times))] {
		fmt.Printf("     %6.1fs  %s\n", t.seconds, t.name)
	}
}
