package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/vk/vktest"
)

// asProgram makes the test binary behave as the muninn command, for tests that need a process of its own.
const asProgram = "MUNINN_TEST_AS_PROGRAM"

var cacheDir string // of compiled pipelines, one for all tests

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Setenv(asProgram, "1") // for the processes that it starts
	os.Setenv("HF_HUB_OFFLINE", "1")
	os.Exit(withCache(m))
}

func withCache(m *testing.M) int {
	var err error
	if cacheDir, err = os.MkdirTemp("", "muninn-test-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(cacheDir)
	return m.Run()
}

// outcome is what a command line did.
type outcome struct {
	out, err string
	code     int
}

// invocation is a command line with what surrounds it.
type invocation struct {
	stdin string
	env   map[string]string
	table []*cli.Command // nil: the program's
	ctx   context.Context
}

// invoke runs a command line in this process, with nothing in the environment.
func invoke(args ...string) outcome { return invocation{}.run(args...) }

func (i invocation) run(args ...string) outcome {
	var out, errs strings.Builder
	s := cli.NewStreams(strings.NewReader(i.stdin), &out, &errs, func(name string) (string, bool) {
		if v, ok := i.env[name]; ok {
			return v, true
		}
		if name == "MUNINN_CACHE_DIR" {
			return cacheDir, true
		}
		return "", false
	})
	if i.table == nil {
		i.table = commands()
	}
	if i.ctx == nil {
		i.ctx = context.Background()
	}
	s.Environ = func() (list []string) {
		for name, value := range i.env {
			list = append(list, name+"="+value)
		}
		return list
	}
	code := cli.Execute(i.ctx, s, i.table, args)
	return outcome{out.String(), errs.String(), code}
}

// wants fails the test unless the outcome has this exit status and these parts in its output and on standard error.
func (o outcome) wants(t *testing.T, code int, out, err string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.out, out) || !strings.Contains(o.err, err) {
		t.Errorf("exit status %d, output %q, errors %q\nwant %d, %q, %q", o.code, o.out, o.err, code, out, err)
	}
}

// eachDevice runs a test on every device that tests run on, by a part of its name.
func eachDevice(t *testing.T, test func(t *testing.T, device string)) {
	t.Helper()
	for _, name := range vktest.Names() {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// file writes a file for the test and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noEnv(string) (string, bool) { return "", false }
