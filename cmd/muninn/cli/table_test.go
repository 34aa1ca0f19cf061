package cli

import (
	"io"
	"strings"
	"testing"
	"time"
)

// A table is as wide as its contents on a pipe, and never wider than a terminal; nothing of it is lost.
func TestTable(t *testing.T) {
	fill := func(s *Streams) {
		tab := NewTable(s, s.Out, "NAME", "DRIVER", "N")
		tab.Row("first 日本", s.Style(s.Out, Green, "a driver of a long name"), "1")
		tab.Row("second", "", "22")
		tab.Print()
	}
	var out strings.Builder
	s := NewStreams(nil, &out, &out, noEnv)
	fill(s)
	want := "NAME        DRIVER                   N\nfirst 日本  a driver of a long name  1\nsecond                               22\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	for _, width := range []int{80, 39, 38, 30, 24, 12} {
		tty, shown := terminal(t, width)
		s := NewStreams(nil, tty, tty, noEnv)
		s.Color = "never"
		fill(s)
		got := shown()
		for line := range strings.Lines(got) {
			if n := cells(strings.TrimSuffix(line, "\n")); n >= width && width > 20 {
				t.Errorf("a line of %d columns on a terminal of %d: %s", n, width, line)
			}
		}
		if (got == want) != (width > 39) {
			t.Errorf("on a terminal of %d columns\n%s", width, got)
		}
		for _, word := range strings.Fields(want) {
			if !strings.Contains(got, word) {
				t.Errorf("on a terminal of %d columns %q is lost:\n%s", width, word, got)
			}
		}
	}
}

// Where no bar can be drawn, what takes long is noted once.
func TestProgressWithoutTerminal(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		var notes strings.Builder
		s := NewStreams(nil, io.Discard, &notes, noEnv)
		s.Quiet = quiet
		p := NewProgress(s, "loading x", 10, true)
		p.Set(1, 10)
		early := notes.String()
		time.Sleep(2 * unheard)
		p.Say("loading y")
		p.Add(1)
		p.Done()
		want := "loading x ...\n"
		if quiet {
			want = ""
		}
		if early != "" || notes.String() != want {
			t.Errorf("quiet %v: %q at once, %q in the end, want %q", quiet, early, notes.String(), want)
		}
	}
}

// A bar whose line is longer than the terminal is wide is cut, so that it does not scroll.
func TestProgressFits(t *testing.T) {
	for _, width := range []int{20, 40, 120} {
		tty, shown := terminal(t, width)
		p := NewProgress(NewStreams(nil, tty, tty, noEnv), "loading a model of quite a long name", 1<<30, true)
		for i := range int64(4) {
			p.Set(i<<28, 0)
		}
		p.Done()
		for _, line := range strings.FieldsFunc(shown(), func(r rune) bool { return r == '\r' || r == '\n' }) {
			if cells(line) >= width {
				t.Errorf("%d columns on a terminal of %d: %q", cells(line), width, line)
			}
		}
	}
}

// Help fits the terminal too, but for tables and command lines in it.
func TestHelpFits(t *testing.T) {
	long := strings.Repeat("word ", 40)
	c := &Command{Name: "x", Summary: "do x", Detail: long + "\n\n  a table " + long + "\n\n" + long}
	for _, width := range []int{60, 100, 160} {
		tty, shown := terminal(t, width)
		verbHelp(NewStreams(nil, tty, tty, noEnv), c)
		got := shown()
		for line := range strings.Lines(got) {
			if len(line) > width && !strings.Contains(line, "table") && width < detailWidth {
				t.Errorf("on a terminal of %d columns: %s", width, line)
			}
		}
		if n := strings.Count(got, "word"); n != 120 {
			t.Errorf("%d of 120 words", n)
		}
	}
}
