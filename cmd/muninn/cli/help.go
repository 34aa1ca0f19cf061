package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const about = "muninn runs recurrent-depth language models (Huginn, Ouro, HRM-Text, Nanbeige ...) on any Vulkan device"

const exitText = `0 success; 1 failure; 2 wrong usage, or input that cannot be used; 3 no usable device; 4 out of memory; 5 unusable
model; 6 the hub or the network; 130 interrupted (Ctrl-C); 143 terminated`

const environmentText = `Every flag can be given as an environment variable: MUNINN_DEVICE for --device, MUNINN_NUM_STEPS for
--num-steps. A flag on the command line wins. MUNINN_CACHE_DIR is where compiled pipelines, measured
speeds and quantized weights are kept. HF_HUB_CACHE, HF_TOKEN and HF_ENDPOINT mean what they do for the
hub's own tools: see ` + "`muninn help pull`" + `.`

func helpCommand(table func() []*Command) *Command {
	return &Command{
		Name: "help", Args: "[COMMAND]", Max: 1,
		Summary: "show help for a command",
		Run: func(_ context.Context, s *Streams, args []string) error {
			table := table()
			if len(args) == 0 {
				overview(s.Out, table)
				return nil
			}
			c := Find(table, args[0])
			if c == nil {
				return unknownCommand(table, args[0])
			}
			verbHelp(s, c)
			return nil
		},
	}
}

// overview lists the commands.
func overview(w io.Writer, table []*Command) {
	fmt.Fprintf(w, "%s.\n\nUsage: muninn COMMAND [ARGUMENTS] [FLAGS]\n\nCommands:\n", about)
	for _, c := range table {
		fmt.Fprintf(w, "  %-12s %s\n", c.Name, c.Summary)
	}
	fmt.Fprintf(w, "\n%s\n\nExit status:\n%s.\n\n`muninn help COMMAND` shows a command's arguments and flags. `muninn demo` needs no model.\n",
		environmentText, exitText)
}

// detailWidth is the width that the details of commands are written for.
const detailWidth = 120

// everyCommand is the heading of the flags that every verb has.
const everyCommand = "Flags of every command"

// verbHelp prints the help of one command: without the advanced flags, unless they are asked for.
func verbHelp(s *Streams, c *Command) {
	w, width := s.Out, detailWidth
	if columns, _ := s.TerminalSize(w); columns > 0 {
		width = min(columns-1, width)
	}
	fmt.Fprintf(w, "%s [FLAGS]\n\n", strings.TrimSpace("Usage: muninn "+c.Name+" "+c.Args))
	fmt.Fprintf(w, "%s%s.\n", strings.ToUpper(c.Summary[:1]), c.Summary[1:])
	if c.Detail != "" {
		fmt.Fprintf(w, "\n%s\n", flow(c.Detail, width))
	}
	hidden := 0
	for _, part := range c.groups() {
		shown := slices.DeleteFunc(part.flags, func(f *pflag.Flag) bool {
			_, few := f.Annotations[advanced]
			return few && !s.helpAll
		})
		hidden += len(part.flags) - len(shown)
		if len(shown) > 0 {
			fmt.Fprintf(w, "\n%s:\n", part.heading)
		}
		for _, f := range shown {
			fmt.Fprintf(w, "  %s\n%s", flagSynopsis(f), Wrap(flagText(f), min(width, 100), "        "))
		}
	}
	if hidden > 0 {
		fmt.Fprintf(w, "\n%s: muninn help %s --help-all\n", Plural(hidden, "rarely needed flag"), c.Name)
	}
	if len(c.Examples) > 0 {
		fmt.Fprintf(w, "\nExamples:\n  %s\n", strings.Join(c.Examples, "\n  "))
	}
}

// flow breaks paragraphs anew for a width less than they are written for. Tables, which are indented, stay.
func flow(text string, width int) string {
	if width >= detailWidth {
		return text
	}
	var parts []string
	for part := range strings.SplitSeq(text, "\n\n") {
		if !strings.Contains("\n"+part, "\n ") {
			part = strings.TrimSuffix(Wrap(part, width, ""), "\n")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "\n\n")
}

// Wrap breaks text into indented lines of at most width columns, as far as its words allow.
func Wrap(text string, width int, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}

// flagGroup is flags under one heading.
type flagGroup struct {
	heading string
	flags   []*pflag.Flag
}

// groups are a command's flags by heading, in the order in which they were declared; last those of every command.
func (c *Command) groups() []flagGroup {
	var list []flagGroup
	c.FlagSet(&GlobalOptions{}).VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		heading := cmp.Or(GroupOf(f), "Flags")
		i := slices.IndexFunc(list, func(g flagGroup) bool { return g.heading == heading })
		if i < 0 {
			i = len(list)
			list = append(list, flagGroup{heading: heading})
		}
		list[i].flags = append(list[i].flags, f)
	})
	return list
}

// AllFlags are the flags of a command, its own first.
func (c *Command) AllFlags() (all []*pflag.Flag) {
	for _, g := range c.groups() {
		all = append(all, g.flags...)
	}
	return all
}

// flagSynopsis is a flag as it is typed: "-r, --num-steps int".
func flagSynopsis(f *pflag.Flag) string {
	text := "    --" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", --" + f.Name
	}
	if value := FlagValue(f); value != "" {
		text += " " + value
	}
	return text
}

// FlagValue names a flag's value; empty for a switch. Words in backquotes in the flag's text name it.
func FlagValue(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	return name
}

// flagText is what a flag does, and its default when that says something.
func flagText(f *pflag.Flag) string {
	_, text := pflag.UnquoteUsage(f)
	switch f.DefValue {
	case "", "false", "[]":
		return text
	}
	return text + " (default " + f.DefValue + ")"
}

func manCommand(table func() []*Command) *Command {
	return &Command{
		Name:     "man",
		Summary:  "print the manual page",
		Examples: []string{"muninn man > ~/.local/share/man/man1/muninn.1"},
		Run: func(_ context.Context, s *Streams, _ []string) error {
			writeMan(s.Out, table())
			return nil
		},
	}
}

// Roff escapes text for a manual page: backslashes, hyphens that are to be typed, and control characters at line starts.
func Roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

// writeMan writes the manual page in roff.
func writeMan(w io.Writer, table []*Command) {
	paragraphs := func(text string) string { return strings.ReplaceAll(Roff(text), "\n\n", "\n.PP\n") }
	fmt.Fprintf(w, ".TH MUNINN 1\n.SH NAME\nmuninn \\- %s\n.SH SYNOPSIS\n.B muninn\n.I COMMAND\n[ARGUMENTS] [FLAGS]\n",
		Roff(strings.TrimPrefix(about, "muninn ")))
	fmt.Fprint(w, ".SH COMMANDS\n")
	for _, c := range table {
		fmt.Fprintf(w, ".SS %s\n%s.\n", Roff(strings.TrimSpace("muninn "+c.Name+" "+c.Args)), Roff(strings.ToUpper(c.Summary[:1])+c.Summary[1:]))
		if c.Detail != "" {
			fmt.Fprintf(w, ".PP\n%s\n", paragraphs(c.Detail))
		}
		groups := c.groups()
		for _, g := range groups[:len(groups)-1] {
			if g.heading != "Flags" {
				fmt.Fprintf(w, ".PP\n%s:\n", Roff(g.heading))
			}
			manFlags(w, g.flags)
		}
		if len(c.Examples) > 0 {
			fmt.Fprintf(w, ".PP\nExamples:\n.nf\n%s\n.fi\n", Roff(strings.Join(c.Examples, "\n")))
		}
	}
	fmt.Fprint(w, ".SH FLAGS OF EVERY COMMAND\n")
	global := table[0].groups()
	manFlags(w, global[len(global)-1].flags)
	fmt.Fprintf(w, ".SH ENVIRONMENT\n%s\n.SH EXIT STATUS\n%s.\n", paragraphs(environmentText), paragraphs(exitText))
}

func manFlags(w io.Writer, flags []*pflag.Flag) {
	for _, f := range flags {
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", Roff(flagSynopsis(f)), Roff(flagText(f)))
	}
}
