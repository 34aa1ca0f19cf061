package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ergochat/readline"
)

// Lines reads messages that a person types on a terminal, with a history.
type Lines struct {
	editor  *readline.Instance
	input   *pastes
	screen  io.Writer
	typed   string // the line when the last key was pressed
	history string // file; empty: none
	stop    func() bool
}

// ErrCleared says that Ctrl-C was pressed: on a line that had text in it, which is gone, or on an empty one.
var (
	ErrCleared = errors.New("the line was cleared")
	ErrNothing = errors.New("Ctrl-C on an empty line")
)

// Interactive tells whether a person is there to type and to read.
func (s *Streams) Interactive() bool {
	width, _ := s.TerminalSize(s.screen())
	return width > 0 && IsTerminal(s.In)
}

// screen is where a person sees what is typed: beside the answers, wherever those go.
func (s *Streams) screen() io.Writer {
	if IsTerminal(s.Err) {
		return s.Err
	}
	return s.Out
}

// NewLines begins to read, with a file of what was typed before; an empty name is none. words are completed at the beginning of a
// line. Lines ends with ctx.
func NewLines(ctx context.Context, s *Streams, history string, words []string) (*Lines, error) {
	l := &Lines{input: &pastes{in: fileOf(s.In)}, screen: fileOf(s.screen()), history: history}
	complete := readline.NewPrefixCompleter(Each(words, func(w string) *readline.PrefixCompleter { return readline.PcItem(w) })...)
	var err error
	l.editor, err = readline.NewFromConfig(&readline.Config{
		Stdin: l.input, Stdout: asked{l.screen, l.input}, Stderr: l.screen, FuncIsTerminal: func() bool { return true },
		FuncGetSize: func() (int, int) { return s.TerminalSize(s.screen()) }, HistoryLimit: maxHistory, DisableAutoSaveHistory: true,
		Painter: shown, AutoComplete: complete, InterruptPrompt: "\n", EOFPrompt: "\n", Undo: true,
		Listener: func(line []rune, pos int, _ rune) ([]rune, int, bool) {
			l.typed = string(line)
			return nil, 0, false
		},
	})
	if err != nil {
		return nil, err
	}
	l.stop = context.AfterFunc(ctx, func() { l.Close() })
	return l, l.recall()
}

// Close gives the terminal back.
func (l *Lines) Close() {
	l.stop()
	_ = l.editor.Close() // a terminal that is gone needs nothing
	_, _ = io.WriteString(l.screen, pasteOff)
}

// Read reads a message after a prompt, beginning with a text to edit. It gives io.EOF for Ctrl-D on an empty line, ErrCleared or
// ErrNothing for Ctrl-C. Text between """ has as many lines as it takes.
func (l *Lines) Read(prompt, text string) (string, error) {
	return Message(func() (string, error) {
		line, err := l.line(prompt, text)
		prompt, text = "... ", ""
		return line, err
	})
}

// quotes begin and end a message of many lines.
const quotes = `"""`

// Message reads a message from lines: one, or those between two marks.
func Message(line func() (string, error)) (string, error) {
	text, err := line()
	rest, quoted := strings.CutPrefix(text, quotes)
	for quoted && err == nil {
		if body, ended := strings.CutSuffix(strings.TrimRight(rest, " \n"), quotes); ended {
			return strings.TrimPrefix(body, "\n"), nil
		}
		if text, err = line(); errors.Is(err, io.EOF) {
			err = Usage("the text after %s has no end", quotes)
		}
		rest += "\n" + text
	}
	return text, err
}

func (l *Lines) line(prompt, text string) (string, error) {
	l.editor.SetPrompt(prompt)
	_, _ = io.WriteString(l.screen, pasteOn)
	line, err := l.editor.ReadLineWithDefault(edited(text))
	_, _ = io.WriteString(l.screen, pasteOff)
	if errors.Is(err, readline.ErrInterrupt) {
		err = ErrCleared
		if l.typed == "" {
			err = ErrNothing
		}
	}
	return fromEdit.Replace(l.input.whole(line)), err
}

// The history's file keeps so many messages, each of so many bytes at most.
const (
	maxHistory = 500
	maxEntry   = 16 << 10
)

// recall reads the history, and has its file keep what was read alone.
func (l *Lines) recall() error {
	if l.history == "" {
		return nil
	}
	kept, err := readHistory(l.history)
	for _, text := range kept {
		_ = l.editor.SaveToHistory(edited(text)) // there is no file of the editor's own to fail
	}
	if err == nil && len(kept) == maxHistory {
		err = trimHistory(l.history, kept)
	}
	return err
}

// Remember puts a message into the history.
func (l *Lines) Remember(text string) error {
	_ = l.editor.SaveToHistory(edited(text))
	if l.history == "" {
		return nil
	}
	return remember(l.history, text)
}

// readHistory is the newest messages of a file. What cannot be read of it is left out: a message is a line of JSON.
func readHistory(path string) ([]string, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var kept []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 8*maxEntry)
	for lines.Scan() {
		var text string
		if json.Unmarshal(lines.Bytes(), &text) == nil && text != "" {
			kept = append(kept, text)
		}
	}
	return kept[max(len(kept)-maxHistory, 0):], lines.Err()
}

func remember(path, text string) error {
	line, err := json.Marshal(text)
	if err != nil || len(text) > maxEntry {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

func trimHistory(path string, kept []string) error {
	var b bytes.Buffer
	for _, text := range kept {
		if err := JSONLines(&b).Encode(text); err != nil {
			return err
		}
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(b.Bytes())
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}
