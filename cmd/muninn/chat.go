package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/chat"
	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/store"
	"muninn/model/tokenizer"
	"muninn/vk"
)

// Positions: of a chat's context where --ctx does not say and the memory allows it, the fewest that one needs, those of the longest
// question for a model that reads it in one pass, and those that /trace reads at once.
const (
	chatContext     = 4096
	leastChat       = 256
	longestQuestion = 1024
	traceRows       = 16
)

// chatOptions are what only a chat has.
type chatOptions struct {
	NoHistory bool
	Shift     bool
	Lines     bool
	LoadFile  string
}

func (o *chatOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.Shift, "context-shift", false, "when the context is full, drop the oldest questions with their answers")
	fs.BoolVar(&o.Lines, "lines", false, "take each line of standard input as a message or a /command; otherwise, unless it is a terminal, all of it is one message")
	fs.BoolVar(&o.NoHistory, "no-history", false, "do not keep messages in a file for the next chat")
	fs.StringVar(&o.LoadFile, "load", "", "go on with the conversation in a `file` that /save wrote")
}

func chatCommand() *cli.Command {
	o := &runOptions{decodeOptions: decodeOptions{talks: true}}
	return &cli.Command{
		Name: "chat", Args: "MODEL", Min: 1, Max: 1,
		Summary: "talk with a model",
		Detail: `MODEL is as for "muninn run", which starts the same chat on a terminal when it is given no PROMPT. The model must have
been trained to chat. A model that takes a single question (HRM-Text, the demo) starts afresh with each message.

Ctrl-C stops an answer; Ctrl-D or /bye ends the chat. A message of several lines is pasted, or typed between """ and
""". Lines that begin with / are commands: /help lists them. Messages are kept for the next chat in the file
chat-history of the cache folder, unless --no-history is given.

The conversation stays in the KV cache, so that only a new message has to be read. All of it is read again after a
change of depth, criterion or seed, after /trace, and when an earlier part has changed. A model that drops its earlier
thinking (Nanbeige) reads its last answer again, without the thinking.

When the context is full the chat says so; with --context-shift it drops the oldest questions and their answers instead.

When standard input is not a terminal, all of it is one message, as for "muninn run"; with --lines each line is one.
Answers go to standard output, everything else to standard error. Each answer is followed by a line with its tokens,
rate, core steps per token and the KV cache in use, which -q leaves out. With --json, the objects are those of
"muninn run --json".`,
		Examples: []string{
			"muninn chat ByteDance/Ouro-1.4B",
			"muninn chat ~/huginn-0125 --effort low --steps",
			`muninn chat ~/ouro-1.4b-thinking --thinking on --system "Answer in one sentence."`,
			"muninn chat ~/huginn-0125 -r 64 --context-shift --load talk.json",
		},
		Flags: o.addFlags,
		Run:   func(ctx context.Context, s *cli.Streams, args []string) error { return o.converse(ctx, s, args) },
	}
}

// converse holds a chat.
func (o *runOptions) converse(ctx context.Context, s *cli.Streams, args []string) error {
	for _, name := range []string{"parse-special", "compare-plain", "stats", "profile"} {
		if !o.talks && o.given(name) {
			return cli.Usage("--%s has no meaning in a chat; give a PROMPT", name)
		}
	}
	if !o.talks && !o.given("max-tokens") {
		o.MaxTokens = 0
	}
	o.talks = true
	return o.begin(ctx, s, args, o.JSON, o.depth, func(ck *checkpoint.Checkpoint, p plan) (err error) {
		c := &chatting{s: s, o: o, ck: ck, p: p, chosen: chosenFlags(o.flags)}
		if o.Seed == "random" {
			c.chosen["seed"] = []string{strconv.FormatUint(p.request.Pick.Seed, 10)} // stays what it is
		}
		if c.talk, err = o.conversation(ck); err != nil {
			return err
		}
		if c.x, err = o.open(ctx, s, ck, &c.p, false); err != nil {
			return err
		}
		c.x.reading.Done()
		defer func() { err = errors.Join(err, c.x.Close()) }()
		return c.hold(ctx)
	})
}

// conversation begins as the flags have it.
func (o *runOptions) conversation(ck *checkpoint.Checkpoint) (*chat.Conversation, error) {
	text, err := textOf(ck)
	if err != nil {
		return nil, err
	}
	c, err := chat.New(text, o.Model == store.DemoName)
	if err != nil {
		return nil, cli.AsUsage(err)
	}
	c.System, c.Options = o.System, o.form()
	if o.LoadFile != "" {
		if _, err := c.Load(o.LoadFile); err != nil {
			return nil, cli.Usage("--load: %v", err)
		}
	}
	if _, err := c.Prompt("?"); err != nil {
		return nil, cli.AsUsage(err)
	}
	return c, nil
}

// source is where messages come from.
type source interface {
	Read(prompt, text string) (string, error) // with a text to edit
	Remember(text string) error
	Close()
}

// source is a person at a terminal, or standard input.
func (c *chatting) source(ctx context.Context) (source, error) {
	if !c.s.Interactive() {
		lines := bufio.NewScanner(c.s.In)
		lines.Buffer(nil, tokenizer.MaxText)
		return plainLines{lines, c.s}, nil
	}
	history := ""
	if !c.o.NoHistory {
		dir, _ := c.s.Env("MUNINN_CACHE_DIR")
		if dir == "" {
			dir = store.CacheDir()
		}
		if dir != "" {
			history = filepath.Join(dir, "chat-history")
		}
	}
	lines, err := cli.NewLines(ctx, c.s, history, cli.Each(words(), func(w word) string { return "/" + w.name + " " }))
	if lines == nil {
		return nil, err
	}
	if err != nil {
		c.s.Note("the history of earlier chats cannot be read: %v", err)
	}
	return lines, nil
}

// hold takes messages until there are no more.
func (c *chatting) hold(ctx context.Context) error {
	if !c.s.Interactive() && !cli.IsTerminal(c.s.In) && !c.o.Lines {
		text, err := c.o.text(c.s)
		if err != nil {
			return err
		}
		return c.ask(ctx, text)
	}
	var err error
	if c.from, err = c.source(ctx); err != nil {
		return err
	}
	defer c.from.Close()
	c.s.Note("/help lists the commands, Ctrl-D leaves")
	if c.talk.Single() {
		c.s.Note("this model takes a single question: each message starts afresh")
	}
	leaving := false
	for {
		c.s.EndLine()
		text, err := c.from.Read(">>> ", "")
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, cli.ErrNothing) && leaving:
			return nil
		case errors.Is(err, cli.ErrNothing):
			c.say("press Ctrl-C again to leave, or Ctrl-D, or type /bye")
			leaving = true
			continue
		case errors.Is(err, cli.ErrCleared):
		default:
			if err == nil {
				err = c.take(ctx, text)
			}
			if errors.Is(err, errBye) {
				return nil
			}
			if err = c.goOn(ctx, err); err != nil {
				return err
			}
		}
		leaving = false
	}
}

// take does what a line says.
func (c *chatting) take(ctx context.Context, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if err := c.from.Remember(text); err != nil {
		c.s.Note("the history cannot be kept: %v", err)
	}
	if strings.HasPrefix(text, "/") {
		return c.do(ctx, text)
	}
	return c.ask(ctx, text)
}

// goOn tells a person of an error after which the chat goes on; others it gives back.
func (c *chatting) goOn(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, arch.ErrChat):
		err = cli.AsUsage(err)
	}
	if !cli.IsTerminal(c.s.In) || errors.Is(err, vk.ErrDeviceLost) {
		return err
	}
	c.s.Complain(err)
	return nil
}

// plainLines are messages where nobody edits them.
type plainLines struct {
	in *bufio.Scanner
	s  *cli.Streams
}

// Read reads a line.
func (p plainLines) Read(prompt, _ string) (string, error) {
	if cli.IsTerminal(p.s.In) {
		fmt.Fprint(p.s.Err, prompt)
	}
	return cli.Message(func() (string, error) {
		if p.in.Scan() {
			return p.in.Text(), nil
		}
		return "", cmp.Or(p.in.Err(), io.EOF)
	})
}

// Remember keeps nothing.
func (plainLines) Remember(string) error { return nil }

// Close has nothing to give back.
func (plainLines) Close() {}
