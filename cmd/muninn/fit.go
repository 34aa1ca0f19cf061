package main

import (
	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/engine"
	"muninn/shaders"
)

// fitOptions are the flags by which a verb makes a model fit its device.
type fitOptions struct {
	NoFit   bool
	Plan    bool
	PlanFor string
	KVType  string // auto or a KV type

	fit       bool
	fixLookup bool                   // the KV rule is not to be chosen
	set       func(flag string) bool // whether the user gave a flag, on the command line or in the environment
}

// AddFlags declares the flags.
func (o *fitOptions) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.fit, "fit", true, "the opposite of --no-fit")
	fs.BoolVar(&o.NoFit, "no-fit", false, "do not choose what is not given of --quant, --cache-lookup-strategy, --kv-type and --ctx so that the device's memory holds it")
	fs.BoolVar(&o.Plan, "plan", false, "print what memory the model takes on the device, part by part, and exit; nothing is loaded")
	fs.StringVar(&o.PlanFor, "plan-for", "", "as --plan, for a `card` of a size such as 6GiB (a number alone is GiB), or for a GPU whose recorded limits have this in their name")
	cli.Offer(fs, "plan-for", "4GiB", "6GiB", "8GiB", "12GiB", "16GiB", "24GiB")
	cli.ChoiceVar(fs, &o.KVType, "kv-type", "auto", []string{"auto", "f32", "f16", "q8"}, "how the KV cache is stored; auto: f16, or q8 where the device holds no more")
	fs.Lookup("fit").Hidden = true // --no-fit is its opposite
	o.set = fs.Changed
}

// kvType is the KV type asked for, half precision when that is left open.
func (o *fitOptions) kvType() (shaders.KVType, error) {
	if o.KVType == "auto" {
		return shaders.KVF16, nil
	}
	return shaders.ParseKVType(o.KVType)
}

// wish puts down what the user fixed. The session has the context wanted; prompt is the number of tokens it must hold.
func (o *fitOptions) wish(session engine.SessionOptions, prompt int) model.Fit {
	return model.Fit{
		Off: o.NoFit || !o.fit, FixContext: o.set("ctx"), FixKV: o.KVType != "auto",
		FixLookup: o.fixLookup || o.set("cache-lookup-strategy"), Least: min(prompt+1, session.Context),
	}
}
