package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Streams are what a verb reads and writes: results go to out, everything else to err.
type Streams struct {
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Env     func(name string) (string, bool)
	Environ func() []string // every variable, as NAME=VALUE

	Quiet bool   // no notes
	Color string // auto, always or never

	results   *output                      // Out
	saidEnd   *sync.Once                   // of a signal
	grace     *atomic.Int64                // nanoseconds that a verb may take to wind up after a signal
	turn      *atomic.Pointer[func() bool] // what Ctrl-C ends before the verb
	helpAll   bool                         // help is to show the advanced flags too
	variables map[string]string            // by which variables flags were set
}

// NewStreams are streams of some kind, with colours on terminals.
func NewStreams(in io.Reader, out, err io.Writer, env func(string) (string, bool)) *Streams {
	results, notes := newOutput(out), newOutput(err)
	if sameFile(out, err) {
		notes.beside = results
	}
	return &Streams{In: in, Out: results, Err: notes, Env: env, Environ: func() []string { return nil }, Color: "auto", results: results, saidEnd: &sync.Once{}, grace: &atomic.Int64{}, turn: &atomic.Pointer[func() bool]{}}
}

// Linger gives the verb so long to wind up after a signal, as one that serves others needs.
func (s *Streams) Linger(d time.Duration) { s.grace.Store(int64(d)) }

// StandardStreams are those of the process.
func StandardStreams() *Streams {
	s := NewStreams(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
	s.Environ = os.Environ
	if stdoutClosed() {
		s.results.err = errors.New("cannot write the answer: standard output is closed")
	}
	return s
}

// Note prints one line to err, unless quiet.
func (s *Streams) Note(format string, args ...any) {
	if !s.Quiet {
		fmt.Fprintln(s.Err, s.Style(s.Err, Dim, Printable(byVariables(fmt.Sprintf(format, args...), s.variables))))
	}
}

// EndLine ends a line that is open on a terminal.
func (s *Streams) EndLine() { s.results.endLine() }

// Variable is the environment variable that set a flag; empty where none did.
func (s *Streams) Variable(flag string) string { return s.variables[flag] }

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

// Style wraps text in colour, if any, when it goes to a place that wants it.
func (s *Streams) Style(w io.Writer, sgr, text string) string {
	if sgr == "" || !s.coloured(w) {
		return text
	}
	return Esc + "[" + sgr + "m" + text + Esc + "[0m"
}

// JSONLines writes one value a line, with <, > and & as they are.
func JSONLines(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// JSON writes one value over many lines.
func JSON(w io.Writer, v any) error {
	e := JSONLines(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Size writes a number of bytes in binary units.
func Size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, u := float64(n), 0
	for v >= 1024 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	if v >= 100 || v == float64(uint64(v)) {
		return fmt.Sprintf("%.0f %s", v, units[u])
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}

// Each is what of makes of each of a list.
func Each[T, U any](list []T, of func(T) U) []U {
	made := make([]U, len(list))
	for i, x := range list {
		made[i] = of(x)
	}
	return made
}

// Plural is a number of things: "one token", "2 tokens".
func Plural(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
