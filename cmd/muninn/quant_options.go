package main

import (
	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/engine"
)

// schemeOptions say in which formats weights are held.
type schemeOptions struct {
	Quant string
	Keep  string
}

// AddFlags declares the flags; quant is the default format.
func (o *schemeOptions) AddFlags(fs *pflag.FlagSet, quant string) {
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
	as, without := engine.DeviceFormats(scheme, ck.Config, ck.Stored), engine.DeviceFormats(bare, ck.Config, ck.Stored)
	blocks, kept := false, false
	for _, spec := range ck.Config.TensorSpecs() {
		blocks = blocks || as(spec).Blocked()
		kept = kept || as(spec) != without(spec)
	}
	makes, _ := scheme.Quantises(ck) // an error comes once more where it matters
	for _, f := range []struct {
		name string
		does bool
		why  string
	}{{"activations", blocks, "no weights are in q8_0 or q4_0"}, {"no-cache", makes, "no weights are quantised"}, {"keep", kept, "all parts are so without it"}} {
		if o.given(f.name) && !f.does {
			s.Note("--%s changes nothing here: %s", f.name, f.why)
		}
	}
}
