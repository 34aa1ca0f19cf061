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
	"muninn/model/engine/weights"
	"muninn/model/store"
)

type quantizeOptions struct {
	hubOptions
	schemeOptions
	Name  string
	Force bool
}

func (o *quantizeOptions) addFlags(fs *pflag.FlagSet) {
	o.schemeOptions.addFlags(fs, "q8_0")
	fs.StringVar(&o.Name, "name", "", "name of the model inside the file")
	fs.Lookup("name").DefValue = "that of SRC"
	fs.BoolVar(&o.Force, "force", false, "replace DST if it is there")
	o.hubOptions.addFlags(fs)
}

func quantizeCommand() *cli.Command {
	o := &quantizeOptions{}
	return &cli.Command{
		Name: "quantize", Args: "SRC DST.gguf", Min: 2, Max: 2,
		Summary: "write a model as one GGUF file",
		Detail: `SRC is whatever "muninn run" takes as MODEL. The file holds weights, config and tokenizer, and is a MODEL in turn.
Other programs can show it, but not run it: its tensors are the original model's, under their names there.

With q8_0 and q4_0, weights are held in blocks of 32 with a scale. Matrices whose rows are not whole blocks stay as they
are. The same SRC and flags give the same bytes.

The file appears under its name only when all of it is on the disk. What an interrupted quantize leaves is hidden and is
removed by the next one in that folder.`,
		Examples: []string{
			"muninn quantize ~/huginn-0125 huginn-q4.gguf --quant q4_0",
			"muninn quantize ~/huginn-0125 huginn-mixed.gguf --quant q4_0 --keep coda=q8_0,embed=f16",
		},
		Flags: o.addFlags,
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
	if !utf8.ValidString(o.Name) || strings.ContainsFunc(o.Name, unicode.IsControl) {
		return cli.Usage("--name %q: a GGUF file holds names in UTF-8 without control characters", o.Name)
	}
	ck, err := openModel(ctx, s, o.hubOptions, src)
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
	s.Note("%s: %v, %v, %s (from %s) in %.1f s", dst, ck.Config, scheme, cli.Size(uint64(info.Size())), cli.Size(uint64(ck.Size())), time.Since(start).Seconds())
	return nil
}

// schemeOptions say in which formats weights are held.
type schemeOptions struct {
	Quant string
	Keep  string
}

// addFlags declares the flags; quant is the default format.
func (o *schemeOptions) addFlags(fs *pflag.FlagSet, quant string) {
	cli.ChoiceVar(fs, &o.Quant, "quant", quant, checkpoint.QuantNames(), "format of the weights; auto: as stored")
	fs.StringVar(&o.Keep, "keep", "", "`parts` that stay at 16 bit, or in a format of their own: embed, head, adapter, prelude, core, coda, "+
		"separated by commas, as in core,embed=f16")
	fs.Lookup("keep").DefValue = "with q8_0 and q4_0 the adapter, and embed and head as q8_0"
}

func (o *schemeOptions) scheme() (checkpoint.Scheme, error) {
	scheme, err := checkpoint.ParseScheme(o.Quant, o.Keep)
	if err != nil {
		return scheme, cli.AsUsage(err)
	}
	return scheme, nil
}

// noteIdle names the flags about weights that the user gave and that change nothing with this checkpoint.
func (o *decodeOptions) noteIdle(s *cli.Streams, ck *checkpoint.Checkpoint, scheme checkpoint.Scheme) {
	bare := scheme
	bare.Keep = nil
	as, without := weights.DeviceFormats(scheme, ck.Config, ck.Stored), weights.DeviceFormats(bare, ck.Config, ck.Stored)
	blocks, kept := false, false
	for _, spec := range ck.Config.TensorSpecs() {
		blocks = blocks || as(spec).Blocked()
		kept = kept || as(spec) != without(spec)
	}
	makes, _ := scheme.Quantizes(ck) // an error comes once more where it matters
	for _, f := range []struct {
		name string
		does bool
		why  string
	}{{"activations", blocks, "no weights are in q8_0 or q4_0"}, {"no-cache", makes, "no weights are quantized"}, {"keep", kept, "all parts are so without it"}} {
		if o.given(f.name) && !f.does {
			s.Note("--%s changes nothing here: %s", f.name, f.why)
		}
	}
}
