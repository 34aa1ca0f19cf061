// Package page_test runs the tests of the page, which are JavaScript, in Chromium.
package page_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const skip = "MUNINN_SKIP_BROWSER" // set, there is no browser, and the page goes untested

// tap is a line about one test in what Node prints.
var tap = regexp.MustCompile(`(?m)^\s*(not )?ok \d+ - (.*)$`)

// TestPage: each test of the page is a subtest here.
func TestPage(t *testing.T) {
	if os.Getenv(skip) != "" {
		t.Skip(skip + " is set")
	}
	for _, program := range []string{"chromium", "node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: `./build.sh deps` installs it; to leave the page untested: %s=1", err, skip)
		}
	}
	run := func(name string, args ...string) (string, error) {
		out, err := exec.Command(name, args...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("go", "run", "muninn/tools/npm", "."); err != nil {
		t.Fatalf("%v; to leave the page untested: %s=1\n%s", err, skip, out)
	}
	dir := t.TempDir()
	t.Setenv("PAGE_PROGRAM", filepath.Join(dir, "muninn"))
	t.Setenv("MUNINN_CACHE_DIR", filepath.Join(dir, "cache"))
	if out, err := run("go", "build", "-o", os.Getenv("PAGE_PROGRAM"), "muninn/cmd/muninn"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := run("node", "--test", "--test-reporter=tap")
	passed, at := 0, tap.FindAllStringSubmatchIndex(out, -1)
	for i, m := range at {
		name, end := out[m[4]:m[5]], len(out)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if strings.HasSuffix(name, ".mjs") { // a file, of tests that have been told
			continue
		}
		t.Run(name, func(t *testing.T) {
			if passed++; m[2] >= 0 {
				t.Error(out[m[0]:end])
			}
		})
	}
	if passed == 0 || err != nil && !t.Failed() {
		t.Fatalf("%d tests, %v\n%s", passed, err, out)
	}
}
