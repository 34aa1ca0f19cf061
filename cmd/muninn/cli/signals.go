package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal syscall.Signal }

// Error names the signal.
func (i Interrupted) Error() string { return "stopped by " + i.Signal.String() }

// Is matches context.Canceled.
func (i Interrupted) Is(target error) bool { return target == context.Canceled }

// interrupted says in one line that a signal ended the command, and what it had done as far as err tells; on a terminal in place
// of a bar, which a verb that is cut off leaves. Only the first call says anything.
func (s *Streams) interrupted(err error) {
	s.saidEnd.Do(func() {
		text := "interrupted"
		if p, ok := errors.AsType[partial](err); ok {
			text += " after " + p.done
		}
		s.results.endLine()
		if width, _ := s.TerminalSize(s.Err); width > 0 {
			text = Esc + "[1G" + Esc + "[K" + text
		}
		fmt.Fprintln(s.Err, text)
	})
}

// exitCode is the shell's convention: 128 and the number of the signal.
func (i Interrupted) exitCode() int { return 128 + int(i.Signal) }

// grace is how long a verb may take to wind up after a signal: to end what the device is at, which is planned to stay below
// 150 ms, to print its last line and to take back a file that is not whole. What takes longer (a driver compiling,
// weights being loaded, a read from a pipe) is cut off. It is short because the system then needs half a second itself to
// take back the 7 GB of a large model on a software driver, and all of it is to end within one.
const grace = 250 * time.Millisecond

// withSignals gives a context that Ctrl-C or SIGTERM ends. A second signal, or the end of the grace period, ends the
// process at once. The function it returns stops listening.
func withSignals(s *Streams) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	caught := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		var first Interrupted
		for first.Signal == 0 {
			select {
			case <-done:
				return
			case sig := <-caught:
				if turn := s.turn.Load(); sig != os.Interrupt || turn == nil || !(*turn)() {
					first.Signal, _ = sig.(syscall.Signal)
				}
			}
		}
		cancel(first)
		select {
		case <-done:
			return
		case <-time.After(max(grace, time.Duration(s.grace.Load()))):
		case <-caught:
		}
		said := make(chan struct{})
		go func() {
			defer close(said)
			s.interrupted(first)
		}()
		select {
		case <-said:
		case <-time.After(2 * time.Second): // nobody reads
		case <-caught:
		}
		os.Exit(first.exitCode())
	}()
	return ctx, func() {
		signal.Stop(caught)
		close(done)
		cancel(nil)
	}
}

// OnInterrupt has Ctrl-C end a part of what the verb does, and not the verb: end says whether there was such a part. nil: the verb.
func (s *Streams) OnInterrupt(end func() bool) {
	if end == nil {
		s.turn.Store(nil)
		return
	}
	s.turn.Store(&end)
}

// Main runs the process's command line and ends the process.
func Main(table []*Command) {
	// A fault that Go cannot recover from ends with SIGABRT; its own exit status, 2, means wrong usage here.
	debug.SetTraceback("crash")
	prepare()
	s := StandardStreams()
	ctx, stop := withSignals(s)
	code := Execute(ctx, s, table, os.Args[1:])
	stop()
	os.Exit(code)
}
