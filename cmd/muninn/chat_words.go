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
	"muninn/model/store"
	"muninn/model/trace"
)

// word is what a line that begins with / asks for.
type word struct {
	name, args, says string
	do               func(ctx context.Context, c *chatting, rest string) error
}

// plainly is a word that waits for nothing.
func plainly(do func(c *chatting, rest string) error) func(context.Context, *chatting, string) error {
	return func(_ context.Context, c *chatting, rest string) error { return do(c, rest) }
}

// words is the table of them.
func words() []word {
	return []word{
		{"depth", "N", "core steps of each token from here on", plainly((*chatting).depth)},
		{"effort", "NAME", "depth by a preset: low, medium, high, max", plainly((*chatting).effort)},
		{"criterion", "NAME [THRESHOLD]", "end the core steps of a token when it has settled; none: never", plainly((*chatting).criterion)},
		{"steps", "", "show the core steps of each token, or no longer", plainly((*chatting).steps)},
		{"set", "[NAME [VALUE]]", "set what the flag of that name sets; default leaves it open", plainly((*chatting).set)},
		{"system", "[TEXT]", "set the system message; - takes it away", plainly((*chatting).system)},
		{"show", "", "how the next answer is made, and what the conversation takes", plainly((*chatting).show)},
		{"regen", "[N]", "answer the last message again, once at depth N", regenLast},
		{"edit", "", "change the last message, in $VISUAL or $EDITOR where there is one", editLast},
		{"compare", "1,8,32", "answer the last message at several depths side by side", compareLast},
		{"trace", "FILE", "record the last answer core step by core step, as .html, .svg or .json", traceLast},
		{"save", "FILE", "write the conversation to a file", plainly((*chatting).save)},
		{"load", "FILE", "go on with the conversation of a file", plainly((*chatting).load)},
		{"clear", "", "forget what was said", plainly((*chatting).clear)},
		{"help", "", "this list", plainly((*chatting).help)},
		{"bye", "", "leave", plainly(func(*chatting, string) error { return errBye })},
	}
}

var errBye = errors.New("bye")

// also are words by other names.
var also = map[string]string{"exit": "bye", "quit": "bye", "?": "help", "reset": "clear"}

// do does what a line asks for that begins with /.
func (c *chatting) do(ctx context.Context, line string) error {
	name, rest, _ := strings.Cut(strings.TrimSpace(line[1:]), " ")
	if other, ok := also[name]; ok {
		name = other
	}
	table := words()
	i := slices.IndexFunc(table, func(w word) bool { return w.name == name })
	if i < 0 {
		return cli.Usage("/%s: /help lists what there is%s (a message may begin with / after a space)", name, cli.Suggestion(name, "/", cli.Each(table, func(w word) string { return w.name })))
	}
	rest = strings.TrimSpace(rest)
	switch args := table[i].args; {
	case args == "" && rest != "":
		return cli.Usage("/%s takes nothing after it", name)
	case args == "FILE" && rest == "", name == "compare" && rest == "":
		return cli.Usage("/%s %s: what is missing?", name, args)
	}
	return table[i].do(ctx, c, rest)
}

// say prints what a word was asked for.
func (c *chatting) say(format string, args ...any) {
	fmt.Fprintln(c.s.Err, cli.Printable(fmt.Sprintf(format, args...)))
}

func (c *chatting) help(string) error {
	t := cli.NewTable(c.s, c.s.Err)
	for _, w := range words() {
		t.Row(strings.TrimSpace("/"+w.name+" "+w.args), w.says)
	}
	t.Row(`"""`, "begins and ends a message of many lines")
	t.Row("Ctrl-C", "ends an answer")
	t.Row("Ctrl-D", "leaves")
	t.Print()
	return nil
}

func (c *chatting) steps(string) error {
	on := !c.o.Steps
	err := c.change(func(chosen map[string][]string) { chosen["steps"] = []string{strconv.FormatBool(on)} })
	if err == nil {
		c.say("core steps are %s", map[bool]string{true: "shown", false: "not shown"}[on])
	}
	return err
}

func (c *chatting) system(rest string) error {
	was := c.talk.System
	if rest != "" {
		c.talk.System = strings.TrimPrefix(rest, "-")
		if rest != "-" {
			c.talk.System = rest
		}
		if _, err := c.talk.Prompt("?"); err != nil {
			c.talk.System = was
			return err
		}
	}
	if c.talk.System == "" {
		c.say("there is no system message")
	} else {
		c.say("system message: %s", c.talk.System)
	}
	return nil
}

func (c *chatting) show(string) error {
	t := cli.NewTable(c.s, c.s.Err)
	prompt, err := c.talk.Prompt("")
	if err != nil {
		return err
	}
	pick := c.p.request.Pick
	how := "greedy"
	if !pick.Greedy {
		how = fmt.Sprintf("temp %g, top-k %d, top-p %g, min-p %g", pick.Temperature, pick.TopK, pick.TopP, pick.MinP)
	}
	t.Row("model", fmt.Sprintf("%s (%v)", c.o.Model, c.x.Config))
	t.Row("conversation", fmt.Sprintf("%s, %d tokens of %d", cli.Plural(len(c.talk.Turns), "question"), len(prompt), c.x.session.Context()))
	t.Row("KV", fmt.Sprintf("%s in use, %s, %s", cli.Size(c.kvBytes()), c.x.Size.Lookup, c.x.Size.KV))
	t.Row("depth", fmt.Sprintf("%d, criterion %s", c.p.request.Steps, c.criterionNow()))
	t.Row("sampling", fmt.Sprintf("%s, repetition-penalty %g, seed %d", how, pick.RepetitionPenalty, pick.Seed))
	if c.talk.System != "" {
		t.Row("system", c.talk.System)
	}
	t.Print()
	return nil
}

func (c *chatting) clear(string) error {
	c.talk.Turns = nil
	c.say("forgotten")
	return nil
}

func (c *chatting) save(path string) error {
	path = fromHome(path)
	if err := c.talk.Save(path, store.Name(c.o.Model)); err != nil {
		return err
	}
	c.say("saved %s to %s", cli.Plural(len(c.talk.Turns), "question"), path)
	return nil
}

func (c *chatting) load(path string) error {
	name, err := c.talk.Load(fromHome(path))
	if err != nil {
		return err
	}
	delete(c.chosen, "thinking")
	if t := c.talk.Options.Thinking; t != "" {
		c.chosen["thinking"] = []string{string(t)}
	}
	delete(c.chosen, "conditions")
	if list := c.talk.Options.Conditions; list != nil {
		c.chosen["conditions"] = []string{strings.Join(list, ",")}
	}
	c.say("%s, held with %s", cli.Plural(len(c.talk.Turns), "question"), name)
	return nil
}

// fromHome is a path as a shell would have it.
func fromHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

var errNoMessage = cli.Usage("nothing has been asked yet")

// regenLast is /regen: other draws, or another depth.
func regenLast(ctx context.Context, c *chatting, rest string) error {
	p := c.p
	if rest != "" {
		var err error
		if _, p, _, err = c.with(func(chosen map[string][]string) { chosen["num-steps"] = []string{rest} }); err != nil {
			return err
		}
		if err := c.resize(p); err != nil {
			return err
		}
	} else if p.request.Pick.Greedy {
		c.s.Note("the likeliest tokens are the same again; /set temp 0.7 draws, /regen N takes another depth")
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
	n := len(c.talk.Turns)
	err := do(t)
	if len(c.talk.Turns) <= n && (n == 0 || c.talk.Turns[len(c.talk.Turns)-1].Question != t.Question) {
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
		return errNoMessage
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
	session, err := c.x.NewSession(size.For(p.request.Strategy))
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
		return errNoMessage
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
	o.job = trace.Job{First: first, Outputs: max(c.x.Size.Outputs, 1)}
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
