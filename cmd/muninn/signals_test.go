package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run that would go on for minutes ends on a signal with the signal's exit status, and leaves no file behind but the
// pipeline cache. The time is not asserted beyond that: the test's own limit is far below the run's length.
func TestSignalsEndARun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Fatal("signals of other processes are not to be had here; leave this test out by name")
	}
	device := firstDevice(t)
	for name, sig := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			// The first token takes long enough to be interrupted: 60000 core steps at several milliseconds each.
			cmd := program(nil, "run", "demo", "-r", "60000", "--cache-lookup-strategy", "compress-anchor", "--device", device, chain)
			cmd.Dir = work
			said, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			// Once the model is loaded, the run proper begins.
			var seen []byte
			for buf := make([]byte, 1024); !strings.Contains(string(seen), "model demo"); {
				n, err := said.Read(buf)
				if err != nil {
					t.Fatalf("ended early: %v, %s", err, seen)
				}
				seen = append(seen, buf[:n]...)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
			defer late.Stop()
			rest, _ := io.ReadAll(said)
			wantsExit(t, cmd.Wait(), 128+int(sig))
			if all := string(append(seen, rest...)); !strings.HasSuffix(all, "\ninterrupted\n") || strings.Count(all, "interrupted") != 1 {
				t.Errorf("said: %q", all)
			}
			if strings.TrimSpace(out.String()) != "" {
				t.Errorf("output %q", out.String())
			}
			if left, _ := os.ReadDir(work); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if left, _ := filepath.Glob(filepath.Join(cacheDir, "pipelines", "*tmp*")); len(left) != 0 {
				t.Errorf("left behind in the cache: %v", left)
			}
		})
	}
}

// A verb that does not listen is cut off after the grace period. There is nothing to see when the program is ready, and a
// signal before that ends it with no exit status at all; so the wait grows until it was long enough.
func TestSignalsCutOff(t *testing.T) {
	for wait := 200 * time.Millisecond; wait < time.Minute; wait *= 4 {
		cmd := program(nil, "run", "demo") // waits for the prompt on a pipe that stays open
		var said bytes.Buffer
		cmd.Stderr = &said
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		time.Sleep(wait)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
		var exit *exec.ExitError
		if err := cmd.Wait(); errors.As(err, &exit) && exit.ExitCode() == 130 {
			if late.Stop(); said.String() != "interrupted\n" {
				t.Errorf("said %q", said.String())
			}
			return
		}
		if !late.Stop() {
			t.Fatal("the program did not end")
		}
	}
	t.Error("no exit status 130, however long the wait")
}

// A fault that cannot be recovered from, in Go or in a driver, does not end as wrong usage does.
func TestFaultsAreNoUsageErrors(t *testing.T) {
	cmd := program(nil, "run", "demo") // waits for the prompt on a pipe that stays open
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if err := cmd.Process.Signal(syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 || !strings.Contains(said.String(), "goroutine") {
		t.Errorf("%v, want death by a signal: %.200s", err, said.String())
	}
}
