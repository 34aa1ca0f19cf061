package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"muninn/cmd/muninn/cli"
)

// testServer is a command that serves, in this process.
type testServer struct {
	url    string
	cancel context.CancelFunc
	code   chan int
}

// startServer runs a command line that prints where it serves. It is stopped when the test ends, if not before.
func startServer(t *testing.T, args ...string) *testServer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	env := map[string]string{"MUNINN_CACHE_DIR": cacheDir, "DISPLAY": "", "HF_HUB_OFFLINE": "1"}
	s := cli.NewStreams(strings.NewReader(""), in, io.Discard, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	x := &testServer{cancel: cancel, code: make(chan int, 1)}
	go func() {
		x.code <- cli.Execute(ctx, s, commands(), append(args, "-q", "--device", firstDevice(t)))
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: exit status %d", args, <-x.code)
	}
	x.url = strings.TrimSpace(line)
	t.Cleanup(func() { x.stop(t) })
	return x
}

// stop ends the server; once it has, nothing happens.
func (x *testServer) stop(t *testing.T) {
	t.Helper()
	if x.cancel == nil {
		return
	}
	x.cancel()
	x.cancel = nil
	if c := <-x.code; c != cli.ExitOK && c != cli.ExitSignaled {
		t.Errorf("exit status %d", c)
	}
}

var busyGauges = regexp.MustCompile(`muninn_requests_(running|waiting)\{[^}]*\} [1-9]`)

// idle waits until no request runs or waits.
func (x *testServer) idle(t *testing.T) {
	t.Helper()
	var text []byte
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r, err := http.Get(x.url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || len(text) == 0 {
			t.Fatal(err)
		}
		if !busyGauges.Match(text) {
			return
		}
	}
	t.Errorf("not idle after all requests have ended:\n%s", text)
}
