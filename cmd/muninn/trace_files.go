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

// traceForms are what a trace is written as, by the end of the file's name.
var traceForms = []struct {
	ext   string
	write func(*trace.Trace, io.Writer) error
}{
	{".json", (*trace.Trace).WriteJSON},
	{".html", (*trace.Trace).WriteHTML},
	{".svg", func(t *trace.Trace, w io.Writer) error { return t.WriteSVG(w) }},
}

// traceFile is a file that will have its name when it is whole.
type traceFile struct {
	name  string
	write func(*trace.Trace, io.Writer) error
	file  *os.File // nil: standard output
}

// traceFiles are the outputs of a trace.
type traceFiles struct {
	s    *cli.Streams
	list []traceFile
}

// openTraceFiles makes sure that the files can be written, before the long work begins.
func openTraceFiles(s *cli.Streams, names []string) (*traceFiles, error) {
	f := &traceFiles{s: s}
	for i, name := range names {
		form := slices.IndexFunc(traceForms, func(form struct {
			ext   string
			write func(*trace.Trace, io.Writer) error
		}) bool {
			return form.ext == strings.ToLower(filepath.Ext(name)) || name == "-" && form.ext == ".json"
		})
		switch {
		case form < 0:
			return nil, errors.Join(cli.Usage("--output %s: want a file that ends in .json, .html or .svg, or - for JSON on standard output", name), f.close(false))
		case slices.Contains(names[:i], name):
			return nil, errors.Join(cli.Usage("--output %s is given twice", name), f.close(false))
		}
		out := traceFile{name: name, write: traceForms[form].write}
		if name != "-" {
			var err error
			if out.file, err = os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*"); err != nil {
				return nil, errors.Join(cli.Usage("%v", traceFileError(name, err)), f.close(false))
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
			if err := out.write(t, f.s.Out); err != nil {
				return err
			}
			continue
		}
		if err := out.write(t, out.file); err != nil {
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
