package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"muninn/model/demo"
)

// screen is the program in tmux: a terminal that draws, and keeps what was drawn.
type screen struct {
	t      *testing.T
	socket string
}

func newScreen(t *testing.T, columns int, args ...string) *screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("this test needs tmux: ./build.sh deps installs it")
	}
	s := &screen{t, filepath.Join(t.TempDir(), "tmux")}
	conf := file(t, "set -g default-terminal screen-256color\nset -g status off\n")
	program := []string{"sh", "-c", `trap : INT; "$@"; echo "exit status $?"; sleep 600`, "sh", "env", asProgram + "=1", "MUNINN_CACHE_DIR=" + cacheDir, "EDITOR=", "VISUAL=", os.Args[0]}
	s.tmux(append([]string{"-u", "-f", conf, "new-session", "-d", "-x", fmt.Sprint(columns), "-y", "40"}, append(program, args...)...)...)
	t.Cleanup(func() { s.tmux("kill-server") })
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v, %s", args, err, out)
	}
	return string(out)
}

// shows waits for a text that matches, and gives all that has been drawn, lines that the terminal broke as one.
func (s *screen) shows(pattern string) string {
	s.t.Helper()
	want := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		drawn := strings.TrimSpace(trailing.ReplaceAllString(s.tmux("capture-pane", "-p", "-J", "-S", "-"), ""))
		if want.MatchString(drawn) {
			return drawn
		}
		if time.Now().After(end) {
			s.t.Fatalf("no %q in\n%s", pattern, drawn)
		}
	}
}

var trailing = regexp.MustCompile(`(?m) +$`)

// types types keys by their names, or a text.
func (s *screen) types(text string, keys ...string) {
	s.t.Helper()
	if text != "" {
		s.tmux("send-keys", "-l", text)
	}
	if len(keys) > 0 {
		s.tmux(append([]string{"send-keys"}, keys...)...)
	}
}

// ended waits for the program's end and gives its exit status.
func (s *screen) ended() string {
	s.t.Helper()
	_, status, _ := strings.Cut(s.shows(`(?m)^exit status \d`), "exit status ")
	return status
}

// asked is what the chat takes for the messages so far, by its own file.
func (s *screen) asked() (questions []string) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "talk.json")
	s.types("/save "+path, "Enter")
	s.shows(`saved \w+ questions? to ` + regexp.QuoteMeta(path))
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	var talk struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(data, &talk); err != nil {
		s.t.Fatal(err)
	}
	for _, m := range talk.Messages {
		if m.Role == "user" {
			questions = append(questions, m.Content)
		}
	}
	return questions
}

// chatModel is the demo's weights as a model that was not trained to chat and does it all the same.
func chatModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := demo.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := demo.Files.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// prompting is a prompt that waits.
const prompting = `(?m)^>>>$`

// A chat on terminals of 40, 80 and 200 columns: typing and editing with wide characters, a paste of ten lines, Ctrl-C while the
// prompt is read and in an answer, other sizes of the terminal, what was typed the last time, and the ways to leave.
func TestChatOnTerminals(t *testing.T) {
	device, model := firstDevice(t), chatModel(t)
	for _, columns := range []int{40, 80, 200} {
		if testing.Short() && columns != 40 {
			continue
		}
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			_ = os.Remove(filepath.Join(cacheDir, "chat-history")) // of the size before
			args := []string{"run", model, "--device", device, "--cache-lookup-strategy", "compress-anchor", "-r", "2", "-n", "6", "--no-self-test"}
			s := newScreen(t, columns, args...)
			s.shows(prompting)
			s.types("日本語 wörld, hello 日本 and 한국어, or so it seems", "C-a", "Right", "BSpace", "C-e", "Left", "Left", "BSpace", "X", "Enter")
			s.shows(`(?s)6 tok.*` + prompting)

			lines := "line 1\n\tline 2\nline 3\n/depth 4\n\"\"\"\nline 6\nline 7\n日本\n\nline 10"
			s.tmux("set-buffer", lines)
			s.tmux("paste-buffer", "-p", "-r")
			s.shows(`line 10$`)
			s.types("!", "Enter")
			s.shows(`(?s)6 tok.*6 tok.*` + prompting)
			s.types(`"""two`, "Enter")
			s.types("lines", "Enter")
			s.types(`"""`, "Enter")
			s.shows(`(?s)6 tok.*6 tok.*6 tok.*` + prompting)
			want := []string{"本語 wörld, hello 日本 and 한국어, or so it seXms", lines + "!", "two\nlines\n"}
			if got := s.asked(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("asked %q\nwant  %q\n%s", got, want, s.shows(prompting))
			}

			s.types("/clear", "Enter", "/depth 60000", "Enter")
			s.shows(`depth 60000`)
			s.types("slow", "Enter")
			s.shows(`reading the prompt`)
			s.types("", "C-c")
			s.shows(`(?sm)^0 tok, [0-9. A-Za-z]+; interrupted\n` + prompting)
			s.types("/set max-tokens 0", "Enter", "/depth 400", "Enter")
			s.shows(`depth 400`)
			s.types("slowly", "Enter")
			s.shows(`(?sm)^>>> slowly\n.*^\w[=?]`)
			s.types("", "C-c")
			s.shows(`(?sm)^[1-9]\d* tok.*; interrupted\n` + prompting)

			s.tmux("resize-window", "-x", fmt.Sprint(columns+11))
			s.types("a text of some length that goes over more than one line of", "C-a", "C-e")
			s.tmux("resize-window", "-x", fmt.Sprint(columns-7))
			s.types(" 40", "BSpace", "BSpace", "fifty", "Enter")
			s.shows(`(?sm)line of fifty$`)
			s.types("", "C-c")
			s.shows(`(?sm)line of fifty$.*; interrupted\n` + prompting)
			if got := s.asked(); len(got) == 0 || got[len(got)-1] != "a text of some length that goes over more than one line of fifty" && got[len(got)-1] != "slowly" {
				t.Errorf("asked %q", got)
			}
			s.types("gone", "C-c")
			s.types("", "C-c")
			s.shows(`press Ctrl-C again to leave`)
			s.types("", "C-d")
			if code := s.ended(); code != "0" {
				t.Errorf("exit status %s\n%s", code, s.shows(""))
			}

			s = newScreen(t, columns, append([]string{"chat"}, args[1:]...)...)
			s.shows(prompting)
			s.types("", "Up", "Up") // the first is the word that saved
			s.shows(`(?s)>>> a text of some length that goes over more than one line of fifty$`)
			s.types("", "C-c", "C-c")
			s.shows(`press Ctrl-C again to leave`)
			s.types("", "C-c")
			if code := s.ended(); code != "0" {
				t.Errorf("exit status %s", code)
			}
		})
	}
}
