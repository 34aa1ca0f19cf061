package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestSuggestion(t *testing.T) {
	names := []string{"run", "devices", "detokenize", "tokenize", "temp", "num-steps"}
	for got, want := range map[string]string{
		"rnu": "run", "device": "devices", "tokenise": "tokenize", "detokenise": "detokenize", "temperature": "temp",
		"steps": "num-steps", "num": "num-steps", "xyzzy": "", "q": "",
	} {
		text := suggestion(got, "--", names)
		if want == "" && text != "" || !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q", got, text, want)
		}
	}
}

// echoTable has one command that prints a flag's value, one that fails and one that panics.
func echoTable() []*command {
	var level int
	var mode string
	return []*command{
		{name: "echo", summary: "print the level", flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&level, "some-level", 1, "level")
			choiceVar(fs, &mode, "mode", "slow", []string{"slow", "fast"}, "mode")
		}, run: func(_ context.Context, s *streams, _ []string) error {
			s.note("noted")
			_, err := fmt.Fprint(s.out, level, " ", mode)
			return err
		}},
		{name: "fail", summary: "fail", run: func(ctx context.Context, _ *streams, _ []string) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.New("it failed")
		}},
		{name: "panic", summary: "panic", run: func(context.Context, *streams, []string) error { panic("index out of range") }},
	}
}

// A flag wins over its variable, a variable over the default; an empty variable is none.
func TestFlagsFromTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{nil, nil, "1 slow"},
		{map[string]string{"MUNINN_SOME_LEVEL": "2", "MUNINN_MODE": "fast"}, nil, "2 fast"},
		{map[string]string{"MUNINN_SOME_LEVEL": "2"}, []string{"--some-level=3"}, "3 slow"},
		{map[string]string{"MUNINN_SOME_LEVEL": ""}, nil, "1 slow"},
		{map[string]string{"SOME_LEVEL": "2", "MUNINN_HELP": "1"}, nil, "1 slow"},
	} {
		o := invocation{env: c.env, table: echoTable()}.run(append([]string{"echo"}, c.args...)...)
		if o.code != exitOK || o.out != c.want {
			t.Errorf("%v %v: exit status %d, %q, want %q", c.env, c.args, o.code, o.out, c.want)
		}
	}
	o := invocation{env: map[string]string{"MUNINN_MODE": "idle"}, table: echoTable()}.run("echo")
	o.wants(t, exitUsage, "", "environment variable MUNINN_MODE=idle: ")
	o.wants(t, exitUsage, "", "want one of slow, fast")
}

func TestQuietAndColor(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{nil, nil, "noted\n"},
		{[]string{"-q"}, nil, ""},
		{nil, map[string]string{"MUNINN_QUIET": "1"}, ""},
		{[]string{"--color", "always"}, nil, "\x1b[2mnoted\x1b[0m\n"},
		{[]string{"--color", "always"}, map[string]string{"NO_COLOR": "1"}, "\x1b[2mnoted\x1b[0m\n"},
		{[]string{"--color", "never"}, nil, "noted\n"},
	} {
		o := invocation{env: c.env, table: echoTable()}.run(append([]string{"echo"}, c.args...)...)
		if o.err != c.want {
			t.Errorf("%v %v: %q, want %q", c.args, c.env, o.err, c.want)
		}
	}
}

// A panic becomes a request to report it, not a Go crash.
func TestPanicIsReported(t *testing.T) {
	o := invocation{table: echoTable()}.run("panic")
	o.wants(t, exitFailure, "", "a bug in muninn")
	o.wants(t, exitFailure, "", "index out of range")
	o.wants(t, exitFailure, "", "Please report")
}

func TestFailure(t *testing.T) {
	o := invocation{table: echoTable()}.run("fail")
	if o.code != exitFailure || o.err != "muninn: it failed\n" {
		t.Errorf("exit status %d, %q", o.code, o.err)
	}
}

// No command is a mistake that shows what there is; asking for help is none.
func TestNoCommand(t *testing.T) {
	invoke().wants(t, exitUsage, "", "Commands:\n  run ")
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		invoke(args...).wants(t, exitOK, "Commands:\n  run ", "")
	}
}
