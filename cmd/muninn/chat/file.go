package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"muninn/model/arch"
)

// What a conversation's file says it is.
const (
	fileFormat  = "muninn conversation"
	fileVersion = 1
	maxFile     = 64 << 20 // bytes that are read
)

// file is a conversation as it is kept.
type file struct {
	Format     string        `json:"format"`
	Version    int           `json:"version"`
	Model      string        `json:"model"`
	System     string        `json:"system,omitempty"`
	Thinking   arch.Thinking `json:"thinking,omitempty"`
	Conditions []string      `json:"conditions,omitempty"`
	Messages   []fileMessage `json:"messages"`
}

type fileMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// ErrFile is wrapped by errors about the file of a conversation.
var ErrFile = errors.New("does not hold a conversation")

// Save writes the conversation to a file that only its owner can read. A file of that name is replaced if it holds a conversation.
func (c *Conversation) Save(path, model string) (err error) {
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot write %s: the folder %s does not exist", path, filepath.Dir(path))
	}
	if _, err := read(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; choose another name, so that it is not lost", err)
	}
	f := file{Format: fileFormat, Version: fileVersion, Model: model, System: c.System, Thinking: c.Options.Thinking, Conditions: c.Options.Conditions, Messages: []fileMessage{}}
	for _, t := range c.Turns {
		f.Messages = append(f.Messages, fileMessage{"user", t.Question}, fileMessage{"assistant", t.Answer})
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = out.Write(append(data, '\n'))
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(out.Name()))
	}
	return err
}

// Load takes the conversation of a file in place of this one, and returns the model that it was held with.
func (c *Conversation) Load(path string) (model string, err error) {
	f, err := read(path)
	if err != nil {
		return "", err
	}
	now := *c
	now.System, now.Options.Thinking, now.Options.Conditions, now.Turns = f.System, f.Thinking, f.Conditions, nil
	for i := 0; i < len(f.Messages); i += 2 {
		now.Turns = append(now.Turns, Turn{Question: f.Messages[i].Content, Answer: f.Messages[i+1].Content})
	}
	if _, err := now.Prompt("?"); err != nil { // of another model
		return "", fmt.Errorf("%s is of a chat with %.100q: %w", path, f.Model, err)
	}
	*c = now
	return f.Model, nil
}

func read(path string) (f file, err error) {
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("cannot open the conversation %s: %w", path, fs.ErrNotExist)
	} else if err != nil {
		return f, err
	}
	defer in.Close()
	wrong := func(format string, args ...any) (file, error) {
		return f, fmt.Errorf("%s %w: %s", path, ErrFile, fmt.Sprintf(format, args...))
	}
	if info, err := in.Stat(); err == nil && !info.Mode().IsRegular() {
		return wrong("it is not a file")
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return f, err
	case len(data) > maxFile:
		return wrong("it has more than %d MiB", maxFile>>20)
	case json.Unmarshal(data, &f) != nil || f.Format != fileFormat:
		return wrong("it is not what /save writes")
	case f.Version < 1 || f.Version > fileVersion:
		return wrong("its version is %d, this program reads up to %d", f.Version, fileVersion)
	case len(f.Messages)%2 != 0:
		return wrong("its last message has no answer")
	}
	for i, m := range f.Messages {
		if role := []string{"user", "assistant"}[i%2]; m.Role != role {
			return wrong("message %d is of %.40q, want %s", i+1, m.Role, role)
		}
	}
	return f, nil
}
