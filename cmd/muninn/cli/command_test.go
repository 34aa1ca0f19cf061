package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/pflag"
)

func TestSuggestion(t *testing.T) {
	names := []string{"run", "devices", "detokenize", "tokenize", "temp", "num-steps"}
	for got, want := range map[string]string{
		"rnu": "run", "device": "devices", "tokenise": "tokenize", "detokenise": "detokenize", "temperature": "temp",
		"steps": "num-steps", "num": "num-steps", "xyzzy": "", "q": "",
	} {
		text := Suggestion(got, "--", names)
		if want == "" && text != "" || !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q", got, text, want)
		}
	}
}

// echoTable has one command that prints a flag's value, one that fails and one that panics.
func echoTable() []*Command {
	var level int
	var mode string
	return []*Command{
		{Name: "echo", Summary: "print the level", Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&level, "some-level", 1, "level")
			ChoiceVar(fs, &mode, "mode", "slow", []string{"slow", "fast"}, "mode")
		}, Run: func(_ context.Context, s *Streams, _ []string) error {
			s.Note("noted")
			_, err := fmt.Fprint(s.Out, level, " ", mode)
			return err
		}},
		{Name: "fail", Summary: "fail", Run: func(ctx context.Context, _ *Streams, _ []string) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.New("it failed")
		}},
		{Name: "panic", Summary: "panic", Run: func(context.Context, *Streams, []string) error { panic("index out of range") }},
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
		if o.code != ExitOK || o.out != c.want {
			t.Errorf("%v %v: exit status %d, %q, want %q", c.env, c.args, o.code, o.out, c.want)
		}
	}
	o := invocation{env: map[string]string{"MUNINN_MODE": "idle"}, table: echoTable()}.run("echo")
	o.wants(t, ExitUsage, "", "environment variable MUNINN_MODE=idle: ")
	o.wants(t, ExitUsage, "", "want one of slow, fast")
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
	o.wants(t, ExitFailure, "", "a bug in muninn")
	o.wants(t, ExitFailure, "", "index out of range")
	o.wants(t, ExitFailure, "", "Please report")
}

func TestFailure(t *testing.T) {
	o := invocation{table: echoTable()}.run("fail")
	if o.code != ExitFailure || o.err != "muninn: it failed\n" {
		t.Errorf("exit status %d, %q", o.code, o.err)
	}
}

// A command that a signal ended says so, quiet or not, in one line and nothing else.
func TestInterruptedIsSaid(t *testing.T) {
	for _, cause := range []error{Interrupted{syscall.SIGINT}, Interrupted{syscall.SIGTERM}, context.Canceled} {
		ctx, stop := context.WithCancelCause(t.Context())
		stop(cause)
		for _, args := range [][]string{{"fail"}, {"fail", "-q"}} {
			if o := (invocation{table: echoTable(), ctx: ctx}).run(args...); o.code < ExitSignaled || o.err != "interrupted\n" {
				t.Errorf("%v after %v: exit status %d, %q", args, cause, o.code, o.err)
			}
		}
	}
}

// What was done before an error is said beside it, and stays through the signal that was its cause.
func TestDoneBefore(t *testing.T) {
	err := After(errors.New("it failed"), "%d of 3", 2)
	table := []*Command{{Name: "part", Run: func(context.Context, *Streams, []string) error { return fmt.Errorf("so: %w", err) }}}
	invocation{table: table}.run("part").wants(t, ExitFailure, "", "muninn: so: it failed; after 2 of 3\n")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(Interrupted{syscall.SIGINT})
	invocation{table: table, ctx: ctx}.run("part").wants(t, 130, "", "interrupted after 2 of 3\n")
}
