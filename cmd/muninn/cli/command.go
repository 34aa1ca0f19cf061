// Package cli is the shell that all verbs of muninn share: streams, the table of commands with its flags, help, completions and
// manual page, errors and exit statuses, signals, and what is drawn on terminals.
package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Command is one verb, a line of the table in main.go.
type Command struct {
	Name     string
	Args     string   // as help shows them after the name: "MODEL [PROMPT]"
	Min, Max int      // number of arguments; a max of -1 takes any
	Summary  string   // one line, no full stop
	Detail   string   // paragraphs
	Examples []string // Command lines

	Flags func(*pflag.FlagSet) // adds the verb's own flags; nil for none
	Run   func(ctx context.Context, s *Streams, args []string) error
}

// ShellCommands are the verbs that speak of the table itself, to be put at its end.
func ShellCommands(table func() []*Command) []*Command {
	return []*Command{helpCommand(table), completionCommand(table), manCommand(table)}
}

// FlagSet is the verb's flags and the global ones.
func (c *Command) FlagSet(g *GlobalOptions) *pflag.FlagSet {
	fs := pflag.NewFlagSet(c.Name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetNormalizeFunc(normalize)
	fs.Usage = func() {}
	if c.Flags != nil {
		c.Flags(fs)
	}
	g.addFlags(fs)
	return fs
}

// GlobalOptions are flags that every verb has.
type GlobalOptions struct {
	Quiet   bool
	Color   string
	Help    bool
	HelpAll bool
}

func (g *GlobalOptions) addFlags(fs *pflag.FlagSet) {
	Group(fs, everyCommand, func() {
		fs.BoolVarP(&g.Quiet, "quiet", "q", false, "print results and errors only")
		ChoiceVar(fs, &g.Color, "color", "auto", []string{"auto", "always", "never"}, "colours; auto: on a terminal, unless NO_COLOR is set")
		fs.BoolVarP(&g.Help, "help", "h", false, "print help and exit")
		fs.BoolVar(&g.HelpAll, "help-all", false, "print help with rarely needed flags too, and exit")
	})
}

// Execute runs one command line and returns the exit status. No panic leaves it.
func Execute(ctx context.Context, s *Streams, table []*Command, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			code = ExitFailure
			fmt.Fprintf(s.Err, "muninn: a bug in muninn, not in what you asked for: %s\n\n%s\n", Printable(fmt.Sprint(r)), debug.Stack())
			fmt.Fprintln(s.Err, "Please report the text above, the command line and the output of `muninn version` and `muninn devices`.")
		}
	}()
	err := dispatch(ctx, s, table, args)
	s.results.endLine()
	if err == nil {
		err = s.results.err
	}
	if p, ok := errors.AsType[partial](err); err != nil && ctx.Err() != nil {
		if err = context.Cause(ctx); ok {
			err = partial{err, p.done}
		}
	}
	report(s, err)
	return exitCode(err)
}

// dispatch finds the verb and runs it.
func dispatch(ctx context.Context, s *Streams, table []*Command, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	switch verb {
	case "":
		overview(s.Err, table)
		return Usage("no command given")
	case "--help", "-h":
		verb = "help"
	case "--version":
		verb = "version"
	}
	c := Find(table, verb)
	switch {
	case c == nil && strings.HasPrefix(verb, "-"):
		return Usage("%s before the command: muninn COMMAND [ARGUMENTS] [FLAGS]", verb)
	case c == nil:
		return unknownCommand(table, verb)
	}
	stray := strayVariables(s.Environ(), table)
	var g GlobalOptions
	fs := c.FlagSet(&g)
	if err := fs.Parse(args); err != nil {
		return ofVerb(c, flagError(fs, err))
	}
	s.helpAll = g.HelpAll
	if g.Help || g.HelpAll && (c.Name != "help" || fs.NArg() == 0) {
		verbHelp(s, c)
		return nil
	}
	var err error
	if s.variables, err = fromEnvironment(fs, s.Env); err != nil {
		return ofVerb(c, err)
	}
	s.Quiet = s.Quiet || g.Quiet
	s.Color = g.Color
	for _, note := range stray {
		s.Note("%s", note)
	}
	if n := fs.NArg(); n < c.Min || c.Max >= 0 && n > c.Max {
		return ofVerb(c, argumentCount(c, n))
	}
	return ofVerb(c, c.Run(ctx, s, fs.Args()))
}

// ofVerb makes a usage error point at the help of a command.
func ofVerb(c *Command, err error) error {
	if u, ok := errors.AsType[*usageError](err); ok && c.Name != "help" {
		u.verb = c.Name
	}
	return err
}

func argumentCount(c *Command, n int) error {
	switch {
	case n < c.Min:
		return Usage("missing argument: muninn %s %s", c.Name, c.Args)
	case c.Max == 0:
		return Usage("%s takes no arguments, got %d", c.Name, n)
	}
	return Usage("too many arguments (%d): muninn %s %s; quote arguments that contain spaces", n, c.Name, c.Args)
}

// Find returns a command of the table, nil where it has none of that name.
func Find(table []*Command, name string) *Command {
	if i := slices.Index(commandNames(table), name); i >= 0 {
		return table[i]
	}
	return nil
}

func unknownCommand(table []*Command, verb string) error {
	return Usage("unknown command %q%s", verb, Suggestion(verb, "", commandNames(table)))
}

// flagError puts what pflag says in our words and names the nearest flag.
func flagError(fs *pflag.FlagSet, err error) error {
	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return Usage("%v", err)
	}
	got, json, output := missing.GetSpecifiedName(), fs.Lookup("json"), fs.Lookup("output")
	dashes, meant := "--", ""
	if missing.GetSpecifiedShortnames() != "" {
		dashes = "-"
	}
	switch {
	case json != nil && slices.Contains([]string{"o", "output", "format"}, got):
		meant = "--json"
	case got == "depth" && fs.Lookup("num-steps") != nil:
		meant = "--num-steps"
	case output != nil && got == "json" && slices.Contains(output.Annotations[offered], "json"):
		meant = "-o json"
	case output != nil && got == "json":
		meant = "-o FILE.json"
	}
	if meant != "" {
		return Usage("unknown flag %s%s; did you mean %s?", dashes, got, meant)
	}
	if dashes == "-" {
		return Usage("unknown flag -%s", got)
	}
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return Usage("unknown flag --%s%s", got, Suggestion(got, "--", names))
}

// Suggestion names what was probably meant: a name that begins the same way or contains the word, or the nearest by edits.
func Suggestion(got, prefix string, names []string) string {
	best, least := "", len(got)/2+1
	for _, name := range names {
		d := distance(got, name)
		switch {
		case len(got) > 1 && (strings.HasPrefix(name, got) || strings.HasPrefix(got, name)):
			d = min(d, 1)
		case len(got) > 2 && strings.Contains(name, got):
			d = min(d, 2)
		}
		if d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}

// distance is the number of single-byte edits between two words, a swap of neighbours counting as one.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
