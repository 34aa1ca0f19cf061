package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/model/trace"
)

// traceForms are what a trace is written as in a theme, by the end of the file's name.
var traceForms = map[string]func(*trace.Trace, io.Writer, string) error{
	".json": func(t *trace.Trace, w io.Writer, _ string) error { return t.WriteJSON(w) },
	".html": (*trace.Trace).WriteHTML,
	".svg":  (*trace.Trace).WriteSVG,
}

// traceFile is a file that will have its name when it is whole.
type traceFile struct {
	name  string
	write func(*trace.Trace, io.Writer, string) error
	file  *os.File // nil: standard output
}

// traceFiles are the outputs of a trace.
type traceFiles struct {
	s     *cli.Streams
	theme string
	list  []traceFile
}

// openTraceFiles makes sure that the files can be written, before the long work begins.
func openTraceFiles(s *cli.Streams, names []string, theme string) (*traceFiles, error) {
	f := &traceFiles{s: s, theme: theme}
	for i, name := range names {
		write := traceForms[strings.ToLower(filepath.Ext(name))]
		if name == "-" {
			write = traceForms[".json"]
		}
		switch {
		case write == nil:
			return nil, errors.Join(cli.Usage("--output %s: want a file that ends in .json, .html or .svg, or - for JSON on standard output", name), f.close(false))
		case slices.Contains(names[:i], name):
			return nil, errors.Join(cli.Usage("--output %s is given twice", name), f.close(false))
		}
		out := traceFile{name: name, write: write}
		if name != "-" {
			var err error
			if out.file, err = os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*"); err != nil {
				return nil, errors.Join(cli.BadFile(traceFileError(name, err)), f.close(false))
			}
		}
		f.list = append(f.list, out)
	}
	return f, nil
}

// write writes the trace to each.
func (f *traceFiles) write(t *trace.Trace) error {
	for _, out := range f.list {
		if out.file == nil {
			if err := out.write(t, f.s.Out, f.theme); err != nil {
				return err
			}
			continue
		}
		if err := out.write(t, out.file, f.theme); err != nil {
			return traceFileError(out.name, err)
		}
	}
	return nil
}

// close gives the files their names if all went well, and removes them if not.
func (f *traceFiles) close(keep bool) error {
	var all error
	for _, out := range f.list {
		if out.file == nil {
			continue
		}
		err := out.file.Close()
		if keep && err == nil {
			// What CreateTemp makes is for no one else; a finished file is as any other.
			if err = os.Chmod(out.file.Name(), 0o644); err == nil {
				err = os.Rename(out.file.Name(), out.name)
			}
		}
		if !keep || err != nil {
			_ = os.Remove(out.file.Name())
		}
		switch {
		case keep && err != nil:
			all = errors.Join(all, traceFileError(out.name, err))
		case keep:
			f.s.Note("wrote %s", out.name)
		}
	}
	f.list = nil
	return all
}
