package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
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

// results counts tests, of a round or of all, and gathers their output.
type results struct {
	round          string
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

// abreast is how many rounds run at once. One by one, a core waits: for the last package of each, and for tests that wait themselves.
const abreast = 2

// runAll runs rounds in their order, abreast at once.
func runAll(rounds []round, all *results) {
	queue, running, processes := make(chan round), sync.WaitGroup{}, runtime.NumCPU()
	if len(rounds) > 1 {
		processes = max(1, processes/abreast)
	}
	var adding sync.Mutex
	for range abreast {
		running.Go(func() {
			for r := range queue {
				got := r.run(processes)
				adding.Lock()
				all.add(got)
				adding.Unlock()
			}
		})
	}
	for _, r := range rounds {
		queue <- r
	}
	close(queue)
	running.Wait()
}

// run runs a round's tests, of so many packages at once, and prints what failed, with its output.
func (r round) run(packages int) *results {
	start, got := time.Now(), &results{round: r.name, output: map[string][]string{}}
	fmt.Printf("---- %s: %s\n", r.name, r.why)
	cmd := exec.Command("go", append([]string{"test", "-json", "-timeout=30m", fmt.Sprint("-p=", packages)}, r.args...)...)
	cmd.Dir, cmd.Stderr = r.dir, os.Stderr
	cmd.Env = append(os.Environ(), r.env...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		got.read(out)
		err = cmd.Wait()
	}
	if err != nil && got.failed == 0 {
		fmt.Printf("FAIL %s: %v\n", r.name, err)
		got.failed++
	}
	var used time.Duration
	if p := cmd.ProcessState; p != nil {
		used = p.UserTime() + p.SystemTime()
	}
	fmt.Printf("     %-16s %6.1fs  %6.1fs of CPU  %d passed, %d failed; %d packages cached\n", r.name, time.Since(start).Seconds(),
		used.Seconds(), got.passed, got.failed, got.cached)
	return got
}

func (a *results) add(b *results) {
	a.passed, a.failed, a.skipped, a.cached = a.passed+b.passed, a.failed+b.failed, a.skipped+b.skipped, a.cached+b.cached
	a.times = append(a.times, b.times...)
}

func (a *results) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // a build error, say
			continue
		}
		a.take(e)
	}
}

func (a *results) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		a.output[key] = append(a.output[key], e.Output)
		if layer.IsFinding(e.Output) {
			fmt.Printf("FAIL validation message in %s: %s:\n%s", a.round, key, e.Output)
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
		a.times = append(a.times, timing{e.Elapsed, a.round + ": " + key})
	}
}

func (a *results) print(verdict, key string) {
	fmt.Printf("%s %s: %s\n%s", verdict, a.round, key, strings.Join(a.output[key], ""))
}

// printSlowest prints the n tests that took longest.
func (a *results) printSlowest(n int) {
	slices.SortFunc(a.times, func(x, y timing) int { return cmp.Compare(y.seconds, x.seconds) })
	fmt.Println("---- the slowest tests")
	for _, t := range a.times[:min(n, len(a.times))] {
		fmt.Printf("     %6.1fs  %s\n", t.seconds, t.name)
	}
}
