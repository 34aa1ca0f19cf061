package main

import (
	"context"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/store"
)

// quantizeOptions are the arguments and flags of quantize.
type quantizeOptions struct {
	schemeOptions
	Name  string
	Force bool
}

// AddFlags declares the flags.
func (o *quantizeOptions) AddFlags(fs *pflag.FlagSet) {
	o.schemeOptions.AddFlags(fs, "q8_0")
	fs.StringVar(&o.Name, "name", "", "name of the model inside the file")
	fs.Lookup("name").DefValue = "that of SRC"
	fs.BoolVar(&o.Force, "force", false, "replace DST if it is there")
}

func quantizeCommand() *cli.Command {
	o := &quantizeOptions{}
	return &cli.Command{
		Name: "quantize", Args: "SRC DST.gguf", Min: 2, Max: 2,
		Summary: "write a model as one GGUF file",
		Detail: `SRC is whatever "muninn run" takes as MODEL. The file holds weights, config and tokenizer, and is a MODEL in turn.
Other programs can show it, but not run it: its architecture is "huginn".

With q8_0 and q4_0, weights are held in blocks of 32 with a scale. Matrices whose rows are not whole blocks stay as they
are. The same SRC and flags give the same bytes.

The file appears under its name only when all of it is on the disk. What an interrupted quantize leaves is hidden and is
removed by the next one in that folder.`,
		Examples: []string{
			"muninn quantize ~/huginn-0125 huginn-q4.gguf --quant q4_0",
			"muninn quantize ~/huginn-0125 huginn-mixed.gguf --quant q4_0 --keep coda=q8_0,embed=f16",
		},
		Flags: o.AddFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return quantize(ctx, s, args[0], args[1], o)
		},
	}
}

func quantize(ctx context.Context, s *cli.Streams, src, dst string, o *quantizeOptions) error {
	scheme, err := o.scheme()
	if err != nil {
		return err
	}
	if !plainText(o.Name) {
		return cli.Usage("--name %q: a GGUF file holds names in UTF-8 without control characters", o.Name)
	}
	ck, err := openModel(s, src)
	if err != nil {
		return err
	}
	defer ck.Close()
	info, err := os.Stat(dst)
	switch {
	case dst == "" || dst == "-":
		return cli.Usage("a GGUF file is not written to a stream; name the file to write, such as model.gguf")
	case err != nil: // not there, or writing will tell
	case !info.Mode().IsRegular():
		return cli.Usage("%s is not a file; name the file to write, such as model.gguf", dst)
	case ck.Holds(dst):
		return cli.Usage("%s is a file of the model %s, which writing to it would destroy; choose another name", dst, src)
	case !o.Force:
		return cli.Usage("%s is there already; choose another name, or replace it with --force", dst)
	}
	if loss, err := scheme.Loss(ck); err != nil {
		return err
	} else if loss != "" {
		s.Note("%s has %s", src, loss)
	}
	w := checkpoint.WriteOptions{Scheme: scheme, Name: o.Name}
	if w.Name == "" {
		w.Name = store.Name(src)
	}
	bar := cli.NewProgress(s, "writing "+dst, ck.Size(), true)
	w.Progress = bar.Set
	start := time.Now()
	err = checkpoint.WriteGGUF(ctx, ck, dst, w)
	bar.Done()
	if err != nil {
		return err
	}
	if info, err = os.Stat(dst); err != nil {
		return err
	}
	s.Note("%s: %v, %v, %s in %.1f s; it was %s", dst, ck.Config, scheme, cli.Size(uint64(info.Size())), time.Since(start).Seconds(), cli.Size(uint64(ck.Size())))
	return nil
}

// plainText tells whether a text can stand in a file for other programs to print.
func plainText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
