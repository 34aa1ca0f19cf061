package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/store"
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
		{"effort", "NAME", "show or set a preset of depth: low, medium, high, max", plainly((*chatting).effort)},
		{"criterion", "NAME [THRESHOLD]", "end a token's core steps once it has settled; none: never", plainly((*chatting).criterion)},
		{"steps", "", "turn the display of each token's core steps on or off", plainly((*chatting).steps)},
		{"set", "[NAME [VALUE]]", "show or change a setting, named as its flag; default resets it", plainly((*chatting).set)},
		{"system", "[TEXT]", "show or set the system message; - removes it", plainly((*chatting).system)},
		{"show", "", "show how the next answer is made, and how much the conversation takes", plainly((*chatting).show)},
		{"regen", "[N]", "answer the last message again; with N, at that depth this once", regenLast},
		{"edit", "", "change the last message, in $VISUAL or $EDITOR where there is one", editLast},
		{"compare", "1,8,32", "answer the last message at several depths side by side", compareLast},
		{"trace", "FILE", "record the last answer core step by core step, as .html, .svg or .json", traceLast},
		{"save", "FILE", "write the conversation to a file", plainly((*chatting).save)},
		{"load", "FILE", "go on with a saved conversation", plainly((*chatting).load)},
		{"clear", "", "forget the conversation", plainly((*chatting).clear)},
		{"help", "", "show this list", plainly((*chatting).help)},
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
		return cli.Usage("/%s needs more: want /%s %s", name, name, args)
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
		c.say("no system message")
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
	t.Row("conversation", fmt.Sprintf("%s, %s of %d", cli.Plural(len(c.talk.Turns), "question"), cli.Plural(len(prompt), "token"), c.x.session.Context()))
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
	c.talk.Turns, c.last = nil, answered{}
	c.say("the conversation is cleared")
	return nil
}

func (c *chatting) save(path string) error {
	if len(c.talk.Turns) == 0 {
		return errNoMessage
	}
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
	c.last = answered{}
	delete(c.chosen, "thinking")
	if t := c.talk.Options.Thinking; t != "" {
		c.chosen["thinking"] = []string{string(t)}
	}
	delete(c.chosen, "conditions")
	if list := c.talk.Options.Conditions; list != nil {
		c.chosen["conditions"] = []string{strings.Join(list, ",")}
	}
	c.say("loaded %s, asked of %s", cli.Plural(len(c.talk.Turns), "question"), name)
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
