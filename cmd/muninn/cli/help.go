package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

const about = "muninn runs recurrent-depth language models (Huginn) on any Vulkan device"

const exitText = `0 success; 1 failure; 2 wrong usage, or input that cannot be used; 3 no usable device; 4 out of memory; 5 unusable
model; 130 interrupted (Ctrl-C); 143 terminated`

const environmentText = `Every flag can be given as an environment variable: MUNINN_DEVICE for --device, MUNINN_NUM_STEPS for
--num-steps. A flag on the command line wins. MUNINN_CACHE_DIR is where compiled pipelines, measured
speeds and quantised weights are kept.`

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
			verbHelp(s.Out, c)
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

// verbHelp is the help of one command.
func verbHelp(w io.Writer, c *Command) {
	fmt.Fprintf(w, "%s\n\n", usageLine(c))
	fmt.Fprintf(w, "%s%s.\n", strings.ToUpper(c.Summary[:1]), c.Summary[1:])
	if c.Detail != "" {
		fmt.Fprintf(w, "\n%s\n", c.Detail)
	}
	own, global := flagsOf(c)
	for _, part := range []struct {
		title string
		flags []*pflag.Flag
	}{{"Flags", own}, {"Flags of every command", global}} {
		if len(part.flags) > 0 {
			fmt.Fprintf(w, "\n%s:\n", part.title)
		}
		for _, f := range part.flags {
			fmt.Fprintf(w, "  %s\n%s", flagSynopsis(f), wrap(flagText(f), 100, "        "))
		}
	}
	if len(c.Examples) > 0 {
		fmt.Fprintf(w, "\nExamples:\n  %s\n", strings.Join(c.Examples, "\n  "))
	}
}

// wrap breaks text into indented lines of at most width columns, as far as its words allow.
func wrap(text string, width int, indent string) string {
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

func usageLine(c *Command) string {
	return strings.TrimSuffix("Usage: muninn "+c.Name+" "+c.Args, " ") + " [FLAGS]"
}

// flagsOf lists a command's own flags and the global ones, in the order they were declared.
func flagsOf(c *Command) (own, global []*pflag.Flag) {
	c.FlagSet(&GlobalOptions{}).VisitAll(func(f *pflag.Flag) {
		if isGlobal(f.Name) {
			global = append(global, f)
		} else {
			own = append(own, f)
		}
	})
	return own, global
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
