package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Streams are what a verb reads and writes: results go to out, everything else to err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	Env func(name string) (string, bool)

	Quiet bool   // no notes
	Color string // auto, always or never

	results *output // Out
}

// NewStreams are streams of some kind, with colours on terminals.
func NewStreams(in io.Reader, out, err io.Writer, env func(string) (string, bool)) *Streams {
	results, notes := newOutput(out), newOutput(err)
	if sameFile(out, err) {
		notes.beside = results
	}
	return &Streams{In: in, Out: results, Err: notes, Env: env, Color: "auto", results: results}
}

// StandardStreams are those of the process.
func StandardStreams() *Streams {
	s := NewStreams(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
	if stdoutClosed() {
		s.results.err = errors.New("cannot write the answer: standard output is closed")
	}
	return s
}

// Note prints one line to err, unless quiet.
func (s *Streams) Note(format string, args ...any) {
	if !s.Quiet {
		fmt.Fprintln(s.Err, s.Style(s.Err, Dim, Printable(fmt.Sprintf(format, args...))))
	}
}

// SGR parameters of terminal text.
const (
	Bold  = "1"
	Dim   = "2"
	Red   = "31"
	Green = "32"
)

// coloured tells whether w is a place that wants colours.
func (s *Streams) coloured(w io.Writer) bool {
	if s.Color != "auto" {
		return s.Color == "always"
	}
	none, _ := s.Env("NO_COLOR")
	kind, _ := s.Env("TERM")
	return none == "" && kind != "dumb" && IsTerminal(w)
}

// Style wraps text in colour when it goes to a place that wants it.
func (s *Streams) Style(w io.Writer, sgr, text string) string {
	if !s.coloured(w) {
		return text
	}
	return Esc + "[" + sgr + "m" + text + Esc + "[0m"
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
			err = Usage("environment variable %s=%s: %v", envName(f.Name), value, e)
		}
	})
	return err
}

// choice is a flag value out of a fixed list; help and completions show the list.
type choice struct {
	value   *string
	allowed []string
}

// ChoiceVar declares a flag that takes one of a list, with its value if not given.
func ChoiceVar(fs *pflag.FlagSet, p *string, name, value string, allowed []string, text string) {
	ChoiceVarP(fs, p, name, "", value, allowed, text)
}

// ChoiceVarP is ChoiceVar with a letter.
func ChoiceVarP(fs *pflag.FlagSet, p *string, name, letter, value string, allowed []string, text string) {
	*p = value
	fs.VarP(&choice{p, allowed}, name, letter, text)
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
