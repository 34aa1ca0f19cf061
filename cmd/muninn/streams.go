package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// streams are what a verb reads and writes: results go to out, everything else to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
	env func(name string) (string, bool)

	quiet bool   // no notes
	color string // auto, always or never
}

func standardStreams() *streams {
	return &streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, color: "auto"}
}

// note prints one line to err, unless quiet.
func (s *streams) note(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintln(s.err, s.style(s.err, dim, fmt.Sprintf(format, args...)))
	}
}

// isTerminal tells whether w or r is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// SGR parameters of terminal text.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

// coloured tells whether w is a place that wants colours.
func (s *streams) coloured(w io.Writer) bool {
	if s.color != "auto" {
		return s.color == "always"
	}
	none, _ := s.env("NO_COLOR")
	kind, _ := s.env("TERM")
	return none == "" && kind != "dumb" && isTerminal(w)
}

// style wraps text in colour when it goes to a place that wants it.
func (s *streams) style(w io.Writer, sgr, text string) string {
	if !s.coloured(w) {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// envName is the environment variable of a flag: MUNINN_NUM_STEPS for --num-steps.
func envName(flag string) string {
	return "MUNINN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that the command line leaves open and a MUNINN_ variable gives. An empty variable
// counts as not set.
func fromEnvironment(fs *pflag.FlagSet, env func(string) (string, bool)) error {
	var err error
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || err != nil {
			return
		}
		value, _ := env(envName(f.Name))
		if value == "" {
			return
		}
		if e := fs.Set(f.Name, value); e != nil {
			err = usage("environment variable %s=%s: %v", envName(f.Name), value, e)
		}
	})
	return err
}

// choice is a flag value out of a fixed list; help and completions show the list.
type choice struct {
	value   *string
	allowed []string
}

func choiceVar(fs *pflag.FlagSet, p *string, name, value string, allowed []string, text string) {
	*p = value
	fs.Var(&choice{p, allowed}, name, text)
}

// String is the value now.
func (c *choice) String() string { return *c.value }

// Type shows the list as the value's name.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

// Set takes a value of the list.
func (c *choice) Set(text string) error {
	for _, a := range c.allowed {
		if a == text {
			*c.value = text
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(c.allowed, ", "))
}
