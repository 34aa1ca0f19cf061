package chat

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"muninn/model/arch"
)

// A conversation comes back from its file as it was, for its owner alone.
func TestFile(t *testing.T) {
	all := texts(t)
	c := begin(t, all["ouro-thinking"])
	c.System, c.Options.Thinking = "Be \"brief\" \u2028.", arch.ThinkingOn
	for _, q := range []string{"a?\nb?", ""} {
		if err := c.Answered(q, "k?\n</think>\n3;", spelt(t, c, "k?")); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "talk.json")
	for range 2 { // the second time over the first
		if err := c.Save(path, "some/model"); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again := begin(t, all["ouro-thinking"])
	name, err := again.Load(path)
	for i := range c.Turns {
		c.Turns[i].ids = nil
	}
	if err != nil || name != "some/model" || again.System != c.System || !reflect.DeepEqual(again.Turns, c.Turns) || again.Options.Thinking != arch.ThinkingOn {
		t.Errorf("%q: %+v, want %+v, %v", name, again, c, err)
	}
	other := begin(t, all["huginn"])
	if _, err := other.Load(path); !errors.Is(err, arch.ErrChat) || !strings.Contains(err.Error(), "some/model") || len(other.Turns) != 0 {
		t.Errorf("a conversation of another model: %v, %+v", err, other.Turns)
	}
}

// What is no conversation is said to be none, and is not written over.
func TestFileRefuses(t *testing.T) {
	c := begin(t, texts(t)["huginn"])
	for text, want := range map[string]string{
		"": "not what /save writes", "{}": "not what /save writes", "some notes": "not what /save writes", "[]": "not what /save writes",
		`{"format":"muninn conversation","version":2}`:                                                   "version is 2, this program reads up to 1",
		`{"format":"muninn conversation","version":1,"messages":[{"role":"user","content":"a"}]}`:        "no answer",
		`{"format":"muninn conversation","version":1,"messages":[{"role":"assistant"},{"role":"user"}]}`: `message 1 is of "assistant", want user`,
		`{"format":"muninn conversation","version":1,"messages":[{"role":"user","content":{}},{}]}`:      "not what /save writes",
		strings.Repeat("[", 1<<20): "not what /save writes",
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Load(path); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
		if err := c.Save(path, "m"); !errors.Is(err, ErrFile) {
			t.Errorf("%.60q is written over: %v", text, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%.60q became %.60q", text, now)
		}
	}
	if _, err := c.Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := c.Save(t.TempDir(), "m"); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
}
