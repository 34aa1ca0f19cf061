package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/vk/vktest"
)

var update = flag.Bool("update", false, "write the transcripts in testdata/cli anew")

// The transcripts in testdata/cli are sessions: a line "$ muninn ..." is run; "< " is its standard input, "| " a line
// of its output ("|% " when it ends without a newline), "! " a line of standard error, "= " the exit status. DEVICE
// stands for the device. Other lines are comments. They must be the same on every device.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/cli/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(path, []byte(replay(t, string(text), vktest.Names()[0])), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			devices := vktest.Names()
			if !strings.Contains(string(text), "DEVICE") {
				devices = devices[:1]
			}
			for _, device := range devices {
				if diff := cmp.Diff(string(text), replay(t, string(text), device)); diff != "" {
					t.Errorf("%s (-transcript +now); `go test ./cmd/muninn -run Transcripts -update` accepts the change:\n%s", device, diff)
				}
			}
		})
	}
}

// replay runs the command lines of a transcript and writes it anew.
func replay(t *testing.T, text, device string) string {
	var b strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "|%") || strings.HasPrefix(line, "! ") || strings.HasPrefix(line, "= ") ||
			line == "|\n" || line == "!\n" {
			continue
		}
		if strings.HasPrefix(line, "< ") {
			continue // written with its command
		}
		b.WriteString(line)
		command, ok := strings.CutPrefix(line, "$ muninn ")
		if !ok {
			continue
		}
		var in string
		for _, next := range lines[i+1:] {
			rest, ok := strings.CutPrefix(next, "< ")
			if !ok {
				break
			}
			b.WriteString(next)
			in += rest
		}
		words := split(t, strings.TrimSpace(command))
		for j := range words {
			words[j] = strings.ReplaceAll(words[j], "DEVICE", device)
		}
		o := invocation{stdin: in}.run(words...)
		prefixed(&b, "|", o.out)
		prefixed(&b, "!", o.err)
		fmt.Fprintf(&b, "= %d\n", o.code)
	}
	return b.String()
}

func prefixed(b *strings.Builder, mark, text string) {
	for line := range strings.Lines(text) {
		switch {
		case !strings.HasSuffix(line, "\n"):
			fmt.Fprintf(b, "%s%% %s\n", mark, line)
		case line == "\n":
			fmt.Fprintf(b, "%s\n", mark)
		default:
			fmt.Fprintf(b, "%s %s", mark, line)
		}
	}
}

// split cuts a command line into words; single quotes keep spaces.
func split(t *testing.T, line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		switch {
		case i%2 == 1:
			words = append(words, part)
		default:
			words = append(words, strings.Fields(part)...)
		}
	}
	if strings.Count(line, "'")%2 == 1 {
		t.Fatalf("a quote is not closed: %s", line)
	}
	return words
}
