package main

import (
	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/fit"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
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

// loads is what may be chosen. KV in float32 is for comparisons: it is taken only when asked for.
func loads() fit.Can {
	return fit.Can{Quants: format.Types(), KV: []shaders.KVType{shaders.KVF16, shaders.KVQ8}}
}

// kvType is the KV type asked for, half precision when that is left open.
func (o *fitOptions) kvType() (shaders.KVType, error) {
	if o.KVType == "auto" {
		return shaders.KVF16, nil
	}
	return shaders.ParseKVType(o.KVType)
}

// fitModel is a checkpoint as fit plans for it. What the scheme keeps, stays.
func fitModel(ck *checkpoint.Checkpoint, scheme checkpoint.Scheme) fit.Model {
	formats := func(quant *format.Type) engine.Formats {
		return engine.DeviceFormats(withQuant(scheme, quant), ck.Config, ck.Stored)
	}
	core := arch.TensorSpec{Name: "transformer.core_block.0.mlp.proj.weight", Part: arch.PartCore} // stands for most weights
	return fit.Model{Config: ck.Config, Stored: engine.DeviceFormats(checkpoint.Scheme{}, ck.Config, ck.Stored)(core), Formats: formats}
}

// withQuant is a scheme with another format; nil: as stored.
func withQuant(s checkpoint.Scheme, quant *format.Type) checkpoint.Scheme {
	s.Quant = ""
	if quant != nil {
		s.Quant = *quant
	}
	return s
}

// wish puts down what the user fixed. The session has the context wanted; prompt is the number of tokens it must hold.
func (o *fitOptions) wish(scheme checkpoint.Scheme, session engine.SessionOptions, prompt int) fit.Wish {
	w := fit.Wish{Context: session.Context, Least: min(prompt+1, session.Context), ContextFixed: o.set("ctx"), Session: session}
	if scheme.Quant != "" {
		w.Quant = &scheme.Quant
	}
	if o.KVType != "auto" {
		w.KV = &session.KV
	}
	if o.fixLookup || o.set("cache-lookup-strategy") {
		w.Lookup = &session.Lookup
	}
	return w
}

// settle chooses what the user left open so that the model fits, says so in one line, and sets the session up for it. The
// result is the scheme of the weights. With --no-fit everything stays as it is.
func (o *fitOptions) settle(s *cli.Streams, ck *checkpoint.Checkpoint, caps vk.Caps, scheme checkpoint.Scheme, session *engine.SessionOptions, prompt int) (checkpoint.Scheme, error) {
	if o.NoFit || !o.fit {
		return scheme, nil
	}
	choice, err := fit.Choose(fitModel(ck, scheme), withHostMemory(caps), o.wish(scheme, *session, prompt), loads())
	if err != nil {
		return scheme, err
	}
	s.Note("fit: %s", choice.Why)
	session.Context, session.Lookup, session.KV = choice.Context, choice.Lookup, choice.KV
	if choice.Rows > 0 {
		session.Rows = choice.Rows
	}
	return withQuant(scheme, choice.Quant), nil
}
