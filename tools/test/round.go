package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
}

// run runs a stage's tests and prints what failed, with its output.
func (s stage) run() tally {
	start := time.Now()
	fmt.Printf("---- %s: %s\n", s.name, s.why)
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1", "-timeout=30m"}, s.args...)...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Printf("FAIL %s: %v\n", s.name, err)
		return tally{failed: 1}
	}
	r := results{output: map[string][]string{}}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // a build error, say
			continue
		}
		r.take(e)
	}
	if err := cmd.Wait(); err != nil && r.failed == 0 {
		fmt.Printf("FAIL %s: %v\n", s.name, err)
		r.failed++
	}
	fmt.Printf("     %-16s %6.1fs  %d passed, %d failed\n", s.name, time.Since(start).Seconds(), r.passed, r.failed)
	return r.tally
}

// results gathers a stage's events.
type results struct {
	tally
	output map[string][]string // by package and test, until it has passed
}

func (r *results) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
		if isValidation(e.Output) {
			fmt.Printf("FAIL validation message in %s:\n%s", key, e.Output)
			r.failed++
		}
	case "pass":
		if e.Test != "" {
			r.passed++
		}
		delete(r.output, key)
	case "skip":
		if e.Test == "" { // a package without tests
			return
		}
		fmt.Printf("SKIP %s\n%s", key, strings.Join(r.output[key], ""))
	case "fail":
		r.failed++
		fmt.Printf("FAIL %s\n%s", key, strings.Join(r.output[key], ""))
		if e.Test == "" { // what ended the package may stand in a test that never ended
			r.printRest(e.Package)
		}
		delete(r.output, key)
	}
}

// printRest prints the output of the package's tests that have neither passed nor failed.
func (r *results) printRest(pkg string) {
	for key, output := range r.output {
		if strings.HasPrefix(key, pkg+" ") && key != pkg+" " {
			fmt.Printf("UNFINISHED %s\n%s", key, strings.Join(output, ""))
		}
	}
}

// isValidation recognises a message of the Khronos layer.
func isValidation(line string) bool {
	for _, mark := range []string{"VUID-", "SYNC-HAZARD", "UNASSIGNED-", "Validation Error", "Validation Performance Warning"} {
		if strings.Contains(line, mark) {
			return true
		}
	}
	return false
}
