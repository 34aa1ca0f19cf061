package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// terminal is a pseudo terminal of some width: what a command writes to it, and what a person would see come out.
func terminal(t *testing.T, width int) (tty *os.File, shown func() string) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	resize(t, tty, width)
	read := make(chan string)
	go func() {
		var all strings.Builder
		_, _ = io.Copy(&all, master) // ends with an error once the other side is closed
		read <- all.String()
	}()
	return tty, func() string {
		tty.Close()
		defer master.Close()
		return strings.ReplaceAll(<-read, "\r\n", "\n")
	}
}

// resize makes a terminal some columns wide.
func resize(t *testing.T, tty *os.File, columns int) {
	t.Helper()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 40, Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
}

// says is a table of one command that writes a text as its result and ends with an error.
func says(text string, fail error) []*Command {
	return []*Command{{Name: "say", Summary: "say", Run: func(_ context.Context, s *Streams, _ []string) error {
		fmt.Fprint(s.Out, text)
		s.Note("noted %s", text)
		return fail
	}}}
}

// csi is the control sequence introducer as one character, turn what turns the direction of writing.
var csi, turn = string(rune(0x9b)), string(rune(0x202e))

var strange = "a\x1b]0;title\x07b\x1b]52;c;eA==\x1b\\c\x1b[2Jd" + csi + "2Je\x9bf\rg" + turn + "h\x1b[31mi"

// What a model says, what a file is named and what an error quotes cannot steer a terminal; a pipe gets results as they are.
func TestStrangersEscapes(t *testing.T) {
	tty, shown := terminal(t, 80)
	s := NewStreams(nil, tty, tty, noEnv)
	if code := Execute(t.Context(), s, says(strange, errors.New("no "+strange)), []string{"say", "--color", "always"}); code != ExitFailure {
		t.Errorf("exit status %d", code)
	}
	got := shown()
	for _, own := range []string{"\x1b[31mmuninn:\x1b[0m", "\x1b[2m", "\x1b[0m"} {
		if !strings.Contains(got, own) {
			t.Errorf("%q lacks %q", got, own)
		}
		got = strings.ReplaceAll(got, own, "")
	}
	if strings.ContainsAny(got, "\x1b\x07\r"+csi+turn) || strings.Count(got, "title") != 3 {
		t.Errorf("a terminal gets %q", got)
	}
	var out, errs strings.Builder
	Execute(t.Context(), NewStreams(nil, &out, &errs, noEnv), says(strange, errors.New(strange)), []string{"say"})
	if out.String() != strange || strings.ContainsAny(errs.String(), "\x1b\x07\r"+csi) {
		t.Errorf("pipes get %q and %q", out.String(), errs.String())
	}
}

// A note or an error does not stand behind an open line of the answer, on a terminal and in a file that holds both.
func TestLinesDoNotJoin(t *testing.T) {
	tty, shown := terminal(t, 80)
	Execute(t.Context(), NewStreams(nil, tty, tty, noEnv), says("3;", errors.New("broken")), []string{"say", "-q", "--color", "never"})
	if got := shown(); got != "3;\nmuninn: broken\n" {
		t.Errorf("a terminal gets %q", got)
	}
	path := filepath.Join(t.TempDir(), "both")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	Execute(t.Context(), NewStreams(nil, f, f, noEnv), says("3;", nil), []string{"say"})
	if got, _ := os.ReadFile(path); string(got) != "3;\nnoted 3;\n" {
		t.Errorf("a file gets %q", got)
	}
	tty, shown = terminal(t, 80)
	Execute(t.Context(), NewStreams(nil, tty, io.Discard, noEnv), says("3;", nil), []string{"say"})
	if got := shown(); got != "3;\n" {
		t.Errorf("at the end of a command a terminal's line is left open: %q", got)
	}
}

// An answer that cannot be written is a failure, whatever the verb looks at.
func TestAnswerIsLost(t *testing.T) {
	table := append(says("3;", nil), ShellCommands(func() []*Command { return says("", nil) })...)
	for _, args := range [][]string{{"say"}, {"help"}, {"man"}, {"completion", "bash"}, {"say", "--help"}} {
		var errs strings.Builder
		code := Execute(t.Context(), NewStreams(nil, fullDisk{}, &errs, noEnv), table, args)
		if code != ExitFailure || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("%v: exit status %d, %q", args, code, errs.String())
		}
	}
}
