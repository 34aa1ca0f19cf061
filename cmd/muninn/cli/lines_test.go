package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// drip gives a text in pieces of some bytes.
type drip struct {
	text string
	n    int
}

func (d *drip) Read(p []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := copy(p, d.text[:min(d.n, len(d.text))])
	d.text = d.text[n:]
	return n, nil
}

// What is pasted is one message, whatever the pieces that it comes in and the keys that it contains.
func TestPastes(t *testing.T) {
	long := strings.Repeat("many words\r", 300)
	for _, c := range []struct{ in, want string }{
		{"abc\x1b[A\x1b\x1bx\r", "abc\x1b[A\x1b\x1bx\r"},
		{"a" + pasteBegin + "one\r\ntwo\n\tthree\rfour" + pasteEnd + "b\r", "aone\ntwo\n\tthree\nfourb\r"},
		{pasteBegin + "x\x03\x04\x1b[31mred\x7f\u202e" + pasteEnd + pasteBegin + "日本" + pasteEnd, "x␃␄␛[31mred␡\uFFFD日本"},
		{pasteBegin + "bad \xff byte" + pasteEnd, "bad \uFFFD byte"},
		{pasteBegin + long + pasteEnd + "!\r", strings.ReplaceAll(long, "\r", "\n") + "!\r"},
	} {
		for _, n := range []int{1, 2, 3, 5, 7, 4096} {
			p := &pastes{in: &drip{c.in, n}}
			got, err := io.ReadAll(p)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.in) > 2*longPaste && len(got) > 40 {
				t.Errorf("a long paste becomes %d bytes of the line", len(got))
			}
			if whole := fromEdit.Replace(p.whole(string(got))); whole != c.want {
				t.Errorf("%.40q in pieces of %d: %.60q, want %.60q", c.in, n, whole, c.want)
			}
		}
	}
}

// The editor's question about the cursor is answered in place of the terminal, before whatever was typed.
func TestCursorIsKnown(t *testing.T) {
	p := &pastes{in: strings.NewReader("typed")}
	var screen bytes.Buffer
	fmt.Fprint(asked{&screen, p}, ">>> ")
	fmt.Fprint(asked{&screen, p}, whereIsIt)
	if got, err := io.ReadAll(p); err != nil || string(got) != atTheStart+"typed" || screen.String() != ">>> " {
		t.Errorf("%q, %q, %v", got, screen.String(), err)
	}
}

// Marks keep lines together.
func TestMessage(t *testing.T) {
	for in, want := range map[string]string{
		"one\ntwo\n":                         "one",
		"\"\"\"one\n two\n\n\"\"\"\nthree\n": "one\n two\n\n",
		"\"\"\"\none\ntwo\"\"\" \n":          "one\ntwo",
		"\"\"\"one line\"\"\"\n":             "one line",
		"\"\"\"\"\"\"\n":                     "",
		"say \"\"\"this\"\"\" aloud\n":       "say \"\"\"this\"\"\" aloud",
		"\"\"\"/depth 8\n\"\"\"\n":           "/depth 8\n",
	} {
		lines := bufio.NewScanner(strings.NewReader(in))
		got, err := Message(func() (string, error) {
			if lines.Scan() {
				return lines.Text(), nil
			}
			return "", io.EOF
		})
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	if _, err := Message(func() (string, error) { return "", io.EOF }); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// The history is the owner's alone, keeps the newest messages, and is not stopped by what it cannot read.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "history")
	if kept, err := readHistory(path); kept != nil || err != nil {
		t.Error(kept, err)
	}
	for i := range maxHistory + 3 {
		if err := remember(path, fmt.Sprintf("%d\n\"%s\"\x1b", i, "日本")); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(file, "no JSON \xff\n{}\n\"\"\n\"last\"")
	file.Close()
	for range 2 {
		kept, err := readHistory(path)
		if err != nil || len(kept) != maxHistory || kept[maxHistory-1] != "last" || kept[0] != "4\n\"日本\"\x1b" {
			t.Fatalf("%d kept, %q to %q, %v", len(kept), kept[0], kept[len(kept)-1], err)
		}
		before, _ := os.ReadFile(path)
		if err := trimHistory(path, kept); err != nil {
			t.Fatal(err)
		}
		after, _ := os.ReadFile(path)
		if len(after) >= len(before) && bytes.Contains(before, []byte("no JSON")) {
			t.Errorf("%d bytes became %d", len(before), len(after))
		}
	}
	if info, _ = os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
	if err := remember(path, strings.Repeat("x", maxEntry+1)); err != nil {
		t.Error(err)
	}
	if kept, _ := readHistory(path); slices.ContainsFunc(kept, func(s string) bool { return len(s) > maxEntry }) {
		t.Error("a message too long is kept")
	}
}

// What stands in the line is shown at the width that it is taken to have, and comes back as it was.
func TestEdited(t *testing.T) {
	const text = "a\tb\nc\r\nd\x1b[2J"
	line := []rune(edited(text))
	if got := string(shown(line, 0)); got != "a→b↵c↵d␛[2J" {
		t.Errorf("shown %q", got)
	}
	if got := fromEdit.Replace(string(line)); got != "a\tb\nc\nd␛[2J" {
		t.Errorf("sent %q", got)
	}
}
