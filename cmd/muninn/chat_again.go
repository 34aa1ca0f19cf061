package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"muninn/cmd/muninn/chat"
	"muninn/cmd/muninn/cli"
	"muninn/model/engine"
	"muninn/model/trace"
)

// What a word needs that there is not.
var (
	errNoMessage = cli.Usage("nothing has been asked yet")
	errLoaded    = cli.Usage("the last answer was loaded from a file: /regen answers it here first")
)

// noAnswer is why there is no last answer of this program run.
func (c *chatting) noAnswer() error {
	if len(c.talk.Turns) > 0 {
		return errLoaded
	}
	return errNoMessage
}

// regenLast is /regen: other draws, or another depth.
func regenLast(ctx context.Context, c *chatting, rest string) error {
	p := c.p
	if len(c.talk.Turns) == 0 {
		return errNoMessage
	}
	if rest != "" {
		var err error
		if _, p, _, err = c.with(func(chosen map[string][]string) { chosen["num-steps"] = []string{rest} }); err != nil {
			return err
		}
		if err := c.resize(p); err != nil {
			return err
		}
	} else if p.request.Pick.Greedy {
		c.s.Note("greedy decoding gives the same answer again; /set temp 0.7 samples, /regen N takes another depth")
	}
	c.again++
	p.request.Pick.Seed += c.again // the states' seed stays, and with it what the cache holds
	return c.anew(func(t chat.Turn) error { return c.answer(ctx, t.Question, p) })
}

// anew has do answer the last message in place of what it was answered; where that fails, the old answer stays.
func (c *chatting) anew(do func(chat.Turn) error) error {
	t, ok := c.talk.Drop()
	if !ok {
		return errNoMessage
	}
	before := c.answers
	err := do(t)
	if c.answers == before {
		c.talk.Restore(t)
	}
	return err
}

// editLast is /edit.
func editLast(ctx context.Context, c *chatting, _ string) error {
	return c.anew(func(t chat.Turn) error {
		text, err := c.retype(t.Question)
		if err != nil || strings.TrimSpace(text) == "" {
			return err
		}
		return c.ask(ctx, text)
	})
}

// retype has a person change a text.
func (c *chatting) retype(text string) (string, error) {
	editor, _ := c.s.Env("VISUAL")
	if editor == "" {
		editor, _ = c.s.Env("EDITOR")
	}
	command := strings.Fields(editor)
	if len(command) == 0 || !c.s.Interactive() {
		text, err := c.from.Read(">>> ", text)
		if errors.Is(err, cli.ErrCleared) || errors.Is(err, cli.ErrNothing) {
			return "", nil
		}
		return text, err
	}
	dir, err := os.MkdirTemp("", "muninn-edit-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "message.txt")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return "", err
	}
	c.s.OnInterrupt(func() bool { return true }) // the editor's
	defer c.s.OnInterrupt(nil)
	run := exec.Command(command[0], append(command[1:], path)...)
	run.Stdin, run.Stdout, run.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := run.Run(); err != nil {
		return "", fmt.Errorf("the editor %s: %w", editor, err)
	}
	changed, err := os.ReadFile(path)
	return strings.TrimSuffix(string(changed), "\n"), err
}

// compareLast is /compare: a session of its own, beside the conversation's.
func compareLast(ctx context.Context, c *chatting, rest string) error {
	depths, err := parseCounts("/compare", rest, 0, maxSteps)
	switch {
	case err != nil:
		return err
	case len(depths) > maxCompared:
		return cli.Usage("/compare %s: want up to %d numbers", rest, maxCompared)
	case len(c.last.request.Prompt) == 0:
		return c.noAnswer()
	}
	_, p, _, err := c.with(func(chosen map[string][]string) {
		delete(chosen, "effort")
		chosen["num-steps"] = []string{strconv.Itoa(slices.Max(depths))}
	})
	if err != nil {
		return err
	}
	p.request.Prompt, p.request.Prefix, p.request.StopIDs = c.last.request.Prompt, c.last.request.Prefix, c.last.request.StopIDs
	if p.request.MaxTokens == 0 {
		p.request.MaxTokens = 128
	}
	size := engine.SessionOptions{Sequences: len(depths), Context: min(len(p.request.Prompt)+p.request.MaxTokens, c.x.Size.Context), MaxSteps: p.session.MaxSteps,
		Lookup: c.x.Size.Lookup, KV: c.x.Size.KV, StepsPerSubmit: c.x.Size.StepsPerSubmit}
	if p.request.Prefix > 0 {
		size.Rows = p.request.Prefix
	}
	size = size.For(p.request.Strategy)
	if err := c.fits(size); err != nil {
		return err
	}
	session, err := c.x.NewSession(size)
	if err != nil {
		return err
	}
	defer session.Close()
	x := *c.x
	x.session, x.reading = session, nil
	view := newCompareView(c.s, depths, c.o.JSON, true)
	err = c.interruptible(ctx, func(ctx context.Context) error { return compareBatch(ctx, &x, p, depths, view) })
	return errors.Join(err, view.close())
}

// traceLast is /trace: the last answer is decoded once more on the conversation's own session, and its turn recorded.
func traceLast(ctx context.Context, c *chatting, path string) (err error) {
	switch {
	case c.last.tokens == 0 || len(c.talk.Turns) == 0:
		return c.noAnswer()
	case !c.last.request.Strategy.Plain():
		return cli.Usage("/trace: only plain decoding can be recorded")
	}
	o := &traceOptions{decodeOptions: decodeOptions{Model: c.o.Model}}
	flags := (&cli.Command{Flags: o.addFlags}).FlagSet(&cli.GlobalOptions{})
	if err := givenFlags(flags, c.chosen); err != nil {
		return err
	}
	o.Outputs, o.MaxTokens = []string{fromHome(path)}, c.last.tokens
	p := plan{request: c.last.request, session: c.x.Size, state: c.p.state}
	p.request.MaxTokens, p.request.Progress = c.last.tokens, nil
	if err := o.check(p, c.ck.Config); err != nil {
		return err
	}
	t, _ := c.talk.Drop()
	before, err := c.talk.Prompt("")
	c.talk.Restore(t)
	if err != nil {
		return err
	}
	first := 0
	for first < min(len(before), len(p.request.Prompt)-1) && before[first] == p.request.Prompt[first] {
		first++
	}
	o.job = trace.Job{First: first}
	files, err := openTraceFiles(c.s, o.Outputs, o.Theme)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.close(err == nil)) }()
	c.cache = chat.Cache{}
	return c.interruptible(ctx, func(ctx context.Context) error {
		t, err := o.record(ctx, c.s, c.x, p)
		if err != nil {
			return err
		}
		return files.write(t)
	})
}
