package selftest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Patience is how long a kernel may take to compile and run before a child counts as hung. Drivers take seconds for the slowest,
// SwiftShader ten.
const Patience = time.Minute

// atExit is how long a child that is done may take to end.
const atExit = 5 * time.Second

// longest is how long a line of a child may be.
const longest = 4 << 20

// line is what a child writes: an event, or how the pass ended.
type line struct {
	Event *Event `json:"event,omitempty"`
	Ended bool   `json:"ended,omitempty"`
	Error string `json:"error,omitempty"`
}

// Serve is the child's side: it reads a job from r, runs the pass, and writes to w what comes of it.
func Serve(ctx context.Context, r io.Reader, w io.Writer, pass Pass) error {
	var j Job
	if err := json.NewDecoder(r).Decode(&j); err != nil {
		return fmt.Errorf("selftest: reading the job: %w", err)
	}
	out := json.NewEncoder(w)
	err := pass(ctx, j, func(e Event) { _ = out.Encode(line{Event: &e}) })
	end := line{Ended: true}
	if err != nil {
		end.Error = firstLine(err.Error())
	}
	return out.Encode(end)
}

// Child is the pass in a process of its own, which Serve runs there: whatever a driver does to it, this one goes on. start makes
// its command. Where nothing is heard for so long, it is killed.
func Child(start func(ctx context.Context) *exec.Cmd, patience time.Duration) Pass {
	return func(ctx context.Context, j Job, tell func(Event)) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		c := start(ctx)
		job, err := json.Marshal(j)
		if err != nil {
			return err
		}
		var said bytes.Buffer
		c.Stdin, c.Stderr = bytes.NewReader(job), &said
		out, err := c.StdoutPipe()
		if err != nil {
			return err
		}
		if err := c.Start(); err != nil {
			return fmt.Errorf("selftest: %w", err)
		}
		timer := time.AfterFunc(patience, stop)
		ended, err := listen(out, func(e Event) { timer.Reset(patience); tell(e) })
		late := !timer.Stop()
		rest := patience
		if ended { // its device is closed
			rest = min(rest, atExit)
		}
		defer time.AfterFunc(rest, stop).Stop() // a driver may hang at exit, or write what nobody reads
		switch wait := c.Wait(); {
		case ended:
			return err
		case late:
			return fmt.Errorf("the driver has not come back for %v", patience)
		case wait != nil:
			return fmt.Errorf("the driver ended the process: %w: %s", wait, firstLine(said.String()))
		}
		return errors.New("the driver ended the process without an error")
	}
}

// listen tells the events of a child, and whether it came to its end, and with which error. What a driver prints in between is no
// line of ours.
func listen(r io.Reader, tell func(Event)) (ended bool, err error) {
	in := bufio.NewScanner(r)
	for in.Buffer(nil, longest); in.Scan(); {
		var l line
		if json.Unmarshal(in.Bytes(), &l) != nil {
			continue
		}
		if l.Event != nil {
			tell(*l.Event)
		}
		if l.Ended {
			if l.Error != "" {
				err = errors.New(l.Error)
			}
			return true, err
		}
	}
	return false, nil
}
