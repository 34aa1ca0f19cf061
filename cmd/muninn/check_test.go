package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
	"muninn/shaders/ref"
)

func TestCheck(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		o := invoke("check", "--device", device, "--match", "rmsnorm")
		o.wants(t, cli.ExitOK, "ok            rmsnorm_sm", "all kernels agree with their oracles on")
		if strings.Contains(o.out, "WRONG") || !strings.Contains(o.out, " ok ") {
			t.Errorf("output\n%s", o.out)
		}
	})
	invoke("check", "--match", "nothing is called so").wants(t, cli.ExitUsage, "", "matches no case")
}

// Rows come op by op, and an interrupt leaves those that are done; each kernel is named before the driver sees it.
func TestCheckSaysWhereItIs(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := &checkOptions{deviceOptions: deviceOptions{Device: firstDevice(t)}, Match: "e/"}
	var out, errs strings.Builder
	s := &cli.Streams{In: strings.NewReader(""), Out: &stopAfter{&out, "  move\n", stop}, Err: &errs, Color: "auto", Env: func(string) (string, bool) { return cacheDir, true }}
	err := check(ctx, s, o)
	if !errors.Is(err, context.Canceled) || !strings.Contains(out.String(), "\ninitstate ") || strings.Contains(out.String(), "\nretire ") {
		t.Errorf("%v after\n%s", err, out.String())
	}
	for _, want := range []string{"checking move: case ", "\n  move\n"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("no %q in\n%s", want, errs.String())
		}
	}
}

// stopAfter cancels when a text has been written.
type stopAfter struct {
	io.Writer
	text string
	stop func()
}

func (w *stopAfter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.stop()
	}
	return w.Writer.Write(p)
}

// A kernel that computes something else is named, with device and driver, and the exit status is 3.
func TestCheckFindsAWrongKernel(t *testing.T) {
	// The same buffers and push constants, other arithmetic: a half-precision table read as bfloat16.
	wrong, err := shaders.SPIRV("embed_f16")
	if err != nil {
		t.Fatal(err)
	}
	eachDevice(t, func(t *testing.T, device string) {
		for _, asJSON := range []bool{false, true} {
			o := invocation{table: []*cli.Command{checkOf(&checkOptions{shaders: []shaders.Options{ref.Replacing(shaders.Options{}, map[string][]byte{"embed_bf16": wrong})}})}}
			args := []string{"check", "--device", device, "--match", "embed/"}
			if asJSON {
				args = append(args, "--json")
			}
			got := o.run(args...)
			got.wants(t, cli.ExitDevice, "embed_bf16", "kernel embed_bf16 in embed/")
			got.wants(t, cli.ExitDevice, "embed_f32", device)
			got.wants(t, cli.ExitDevice, "", "Update the driver")
			if !asJSON {
				got.wants(t, cli.ExitDevice, "WRONG", "driver")
				continue
			}
			verdicts := map[string]bool{}
			var last checkSummary
			for line := range strings.Lines(got.out) {
				var l checkLine
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				if l.Op == "" {
					if err := json.Unmarshal([]byte(line), &last); err != nil {
						t.Fatal(err)
					}
					continue
				}
				verdicts[l.Kernel] = l.OK
			}
			if verdicts["embed_bf16"] || !verdicts["embed_f32"] || !verdicts["embed_f16"] {
				t.Errorf("kernels found right: %v", verdicts)
			}
			if last.OK || last.Wrong == 0 || last.Results <= last.Wrong {
				t.Errorf("outcome %+v", last)
			}
		}
	})
}

// A case that a signal or the loss of the device ended has no verdict, in either form, and what was done is counted.
func TestCheckStopped(t *testing.T) {
	device, cases := firstDevice(t), 0
	for _, c := range ref.Cases() {
		if !c.Large && strings.HasSuffix(c.Op, "e") {
			cases++
		}
	}
	for _, args := range [][]string{{}, {"--json"}} {
		ctx, stop := context.WithCancelCause(t.Context())
		var out strings.Builder
		begun := 0
		errs := &stopAfter{&strings.Builder{}, "  move\n", func() { stop(cli.Interrupted{Signal: syscall.SIGINT}) }}
		s := cli.NewStreams(strings.NewReader(""), &out, errs, func(string) (string, bool) { return "", false })
		code := cli.Execute(ctx, s, commands(), append([]string{"check", "--device", device, "--match", "e/"}, args...))
		said := errs.Writer.(*strings.Builder).String()
		if _, err := fmt.Sscanf(said[strings.LastIndex(said, "checking move: case "):], "checking move: case %d", &begun); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("\ninterrupted after %d of %d cases; the kernels above are those that ran\n", begun-1, cases)
		if code != 130 || !strings.HasSuffix(said, want) || strings.Contains(out.String(), "WRONG") || strings.Contains(out.String(), `"ok":false`) || !strings.Contains(out.String(), "initstate") {
			t.Errorf("%v: exit status %d, want %q at the end of\n%s\n%s", args, code, want, said, out.String())
		}
	}
}
