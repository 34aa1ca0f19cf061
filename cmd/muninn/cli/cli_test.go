package cli

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
)

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// outcome is what a command line did.
type outcome struct {
	out, err string
	code     int
}

// invocation is a command line with what surrounds it.
type invocation struct {
	env   map[string]string
	table []*Command
	ctx   context.Context
}

func (i invocation) run(args ...string) outcome {
	var out, errs strings.Builder
	s := NewStreams(strings.NewReader(""), &out, &errs, func(name string) (string, bool) {
		v, ok := i.env[name]
		return v, ok
	})
	if i.ctx == nil {
		i.ctx = context.Background()
	}
	code := Execute(i.ctx, s, i.table, args)
	return outcome{out.String(), errs.String(), code}
}

// wants fails the test unless the outcome has this exit status and these parts in its output and on standard error.
func (o outcome) wants(t *testing.T, code int, out, err string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.out, out) || !strings.Contains(o.err, err) {
		t.Errorf("exit status %d, output %q, errors %q\nwant %d, %q, %q", o.code, o.out, o.err, code, out, err)
	}
}

func noEnv(string) (string, bool) { return "", false }
