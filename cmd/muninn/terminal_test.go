package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rivo/uniseg"
)

// onTerminal runs the program on a terminal of some columns and gives all that was written to it. Once
// that contains a text, if one is given, the process is interrupted.
func onTerminal(t *testing.T, columns int, until string, args ...string) string {
	t.Helper()
	own, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := pty.Setsize(own, &pty.Winsize{Rows: 40, Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm", "MUNINN_CACHE_DIR="+cacheDir)
	c.Stdin, c.Stdout, c.Stderr = theirs, theirs, theirs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	var all bytes.Buffer
	end := time.AfterFunc(5*time.Minute, func() { _ = c.Process.Kill() })
	defer end.Stop()
	stopped := false
	for buffer := make([]byte, 4096); ; {
		n, err := own.Read(buffer)
		all.Write(buffer[:n])
		if until != "" && !stopped && strings.Contains(all.String(), until) {
			stopped = c.Process.Signal(os.Interrupt) == nil
		}
		if err != nil { // EIO: the last of the other side is gone
			break
		}
	}
	if err := c.Wait(); (err != nil) != stopped {
		t.Fatalf("%v: %v\n%s", args, err, all.String())
	}
	return all.String()
}

// A prompt that is read slowly shows how far it is, and of how much.
func TestReadingShows(t *testing.T) {
	t.Setenv("MESA_SHADER_CACHE_DISABLE", "true") // kernels from its cache are too quick to be shown
	long := "k=d;d=a;a=3;" + strings.Repeat("m=5;", 60) + "k?"
	got := onTerminal(t, 100, "", "run", "demo", long, "--device", firstDevice(t), "-n", "1", "-r", "16", "--steps-per-submit", "1")
	for _, want := range []string{"reading the prompt", "compiling ", "/65)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

// A run that is interrupted while it reads the prompt takes its bar away and says so, though a pass may take longer than it is given.
func TestInterruptedOnATerminal(t *testing.T) {
	got := onTerminal(t, 100, "reading the prompt", "run", "demo", "hello", "--device", firstDevice(t), "-r", "20000", "--steps-per-submit", "20000")
	_, rest, _ := strings.Cut(got, "reading the prompt")
	if !strings.HasSuffix(rest, "\x1b[1G\x1b[Kinterrupted\r\n") {
		t.Errorf("the end of %q", rest)
	}
}

// escapes are what a terminal does not show.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// tooWide are the lines of an output that do not fit a terminal of some columns, but for commands to be copied.
func tooWide(out string, columns int) (list []string) {
	for _, line := range strings.Split(strings.ReplaceAll(escapes.ReplaceAllString(out, ""), "\r\n", "\n"), "\n") {
		for _, drawn := range strings.Split(line, "\r") {
			if uniseg.StringWidth(strings.TrimRight(drawn, " ")) > columns && !strings.Contains(drawn, "--stop") {
				list = append(list, drawn)
			}
		}
	}
	return list
}

// What the demo shows fits the terminal.
func TestDemoFits(t *testing.T) {
	for _, columns := range []int{40, 60, 80} {
		out := onTerminal(t, columns, "", "demo", "--problems", "1", "--seed", "3", "--device", firstDevice(t))
		if wide := tooWide(out, columns); wide != nil || !strings.Contains(out, "num_steps 16") {
			t.Errorf("at %d columns: %q", columns, wide)
		}
	}
}

// What bench, devices and show print fits a terminal of 80 columns.
func TestTablesFit(t *testing.T) {
	device := firstDevice(t)
	for _, args := range [][]string{{"devices"}, {"show", "demo"},
		{"bench", "--shape", "tiny", "-p", "4", "-n", "2", "-r", "1", "--rows", "1,2", "--quant", "f32,q8_0", "--reps", "2", "--device", device}} {
		out := onTerminal(t, 80, "", args...)
		var wide []string
		for _, line := range tooWide(out, 80) {
			if !strings.Contains(line, "device ") && !strings.Contains(line, "this device is a software driver") { // notes wrap
				wide = append(wide, line)
			}
		}
		if wide != nil || len(out) < 200 {
			t.Errorf("%v: %q of %q", args, wide, out)
		}
	}
}

// The bar of check goes on after the first op.
func TestCheckKeepsItsBar(t *testing.T) {
	got := onTerminal(t, 100, "", "check", "--device", firstDevice(t), "--match", "e/")
	if first, rest, ok := strings.Cut(got, "mok "); !ok || !strings.Contains(rest, "% |") {
		t.Errorf("no bar after the first rows: %q ... %q", first, rest)
	}
}
