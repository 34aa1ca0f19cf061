package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/shaders"
)

// decodeOptions are the flags of every verb that decodes a text: run, compare and trace.
type decodeOptions struct {
	Model string
	hubOptions
	promptOptions
	filterOptions
	strategyOptions
	deviceOptions
	fitOptions
	schemeOptions

	MaxTokens      int
	Stop           []string
	InitScale      float64
	Lookup         string
	Context        int // 0: what prompt and MaxTokens need
	NoCache        bool
	Activations    string
	StepsPerSubmit int

	talks       bool // there is no prompt: messages come one after the other
	texts       int  // decoded side by side; 0: one
	everyOutput bool // the logits of the whole prompt are wanted
}

// textFlags declares the flags that are about the text.
func (o *decodeOptions) textFlags(fs *pflag.FlagSet, tokens int) {
	cli.Group(fs, "Text", func() {
		fs.IntVarP(&o.MaxTokens, "max-tokens", "n", tokens, "tokens to generate at most")
		fs.StringArrayVar(&o.Stop, "stop", nil, "end before this `text`; may be given several times")
		if !o.talks {
			o.promptOptions.addFlags(fs)
			cli.Advanced(fs, "parse-special")
		}
		o.promptOptions.formFlags(fs)
	})
	cli.Group(fs, "Sampling", func() { o.filterOptions.addFlags(fs) })
}

// machineFlags declares the flags that are about where and how it is computed.
func (o *decodeOptions) machineFlags(fs *pflag.FlagSet) {
	cli.Group(fs, "Depth", func() {
		cli.FloatVar(fs, &o.InitScale, "init-scale", 1, "times the standard deviation of the initial state; 0 starts from zeros")
		cli.Advanced(fs, "init-scale")
	})
	cli.Group(fs, "Memory", func() { o.memoryFlags(fs) })
	cli.Group(fs, "Model", func() { o.hubOptions.addFlags(fs) })
	cli.Group(fs, "Device", func() {
		o.addProven(fs)
		fs.IntVar(&o.StepsPerSubmit, "steps-per-submit", 0, "core steps of one submission at most; 0: what stays well below drivers' time limits")
		cli.Advanced(fs, "steps-per-submit")
	})
}

func (o *decodeOptions) memoryFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Lookup, "cache-lookup-strategy", decode.DefaultLookup, "`strategy` of the KV cache ("+strings.Join(decode.LookupNames(), ", ")+"). "+lookupText)
	cli.Offer(fs, "cache-lookup-strategy", slices.DeleteFunc(decode.LookupNames(), func(name string) bool {
		return strings.ContainsAny(name, ".NR") // a pattern of names
	})...)
	if fs.Lookup("decode") != nil {
		fs.Lookup("cache-lookup-strategy").DefValue = decode.DefaultLookup + "; of a wave " + decode.DefaultLookup + "-compress-sN with N core blocks"
	}
	fs.IntVar(&o.Context, "ctx", 0, "positions of the KV cache, prompt and answer together")
	fs.Lookup("ctx").DefValue = "what the prompt and --max-tokens need, at most the model's block_size"
	o.fitOptions.addFlags(fs)
	o.schemeOptions.addFlags(fs, "auto")
	cli.ChoiceVar(fs, &o.Activations, "activations", "auto", shaders.ActivationNames(), "what products with q8_0 and q4_0 weights read: "+
		"floats (f32) or blocks of 8 bits (q8); auto: q8 where the driver reports fast dot products, or measuring found them faster. f32 also turns matrix units off, in every format")
	fs.BoolVar(&o.NoCache, "no-cache", false, "do not keep quantized weights as a file in the cache")
	cli.Advanced(fs, "activations", "no-cache")
}

const lookupText = "RULE says which of a position's KV slots a core step reads: the one of its own step (full), the newest up to its own (latest-m4), " +
	"or the last of all where one is missing (always-last-m4). last-exited is latest-m4: of a token that left sooner, its last step. " +
	"shared keeps one slot a position, of its last step; prompts are read token by token. decode-last keeps all steps of a prompt while that is read, then " +
	"of each position the last alone. compress-... alone is latest-m4-compress-.... Compression saves memory: compress-sN keeps N slots a position, " +
	"a multiple of the core blocks, which later core steps overwrite in turn; compress-anchor keeps one for each of the first 8 core steps and one for all later ones; " +
	"compress-rN has N writes in a row share a slot"

// begin opens MODEL, plans its run at the depth that choose gives, and does it; or prints what memory that takes, where the
// flags ask for a plan.
func (o *decodeOptions) begin(ctx context.Context, s *cli.Streams, args []string, asJSON bool, choose func(arch.Config) (int, decode.Strategy, error), do func(*checkpoint.Checkpoint, plan) error) error {
	if o.Model = args[0]; len(args) > 1 {
		o.Text = &args[1]
	}
	ck, err := o.checkpoint(ctx, s, o.Model)
	if err != nil {
		return err
	}
	defer ck.Close()
	steps, strategy, err := choose(ck.Config)
	if err != nil {
		return err
	}
	p, err := o.plan(s, ck, steps, strategy)
	switch {
	case err != nil:
		return err
	case o.asked():
		return o.doesNotFit(o.printPlan(s, ck, o.deviceOptions, p.scheme, p.session, asJSON))
	}
	return do(ck, p)
}

// checkpoint opens a model; where a plan alone is wanted, of one that is not here what the hub says of it.
func (o *decodeOptions) checkpoint(ctx context.Context, s *cli.Streams, model string) (*checkpoint.Checkpoint, error) {
	if !o.asked() {
		return openModel(ctx, s, o.hubOptions, model)
	}
	ck, _, err := inspect(ctx, s, o.hubOptions, model, store.OpenShapes)
	return ck, err
}

// plan is a run whose every setting has been checked, before anything large is loaded.
type plan struct {
	scheme  checkpoint.Scheme
	request decode.Request
	session engine.SessionOptions
	state   decode.Sequence
	greedy  bool // of a run, that nothing more is asked of the device
}

// plan checks the options against the model, for tokens of up to so many core steps. Where only the memory that it takes is asked for
// there is no request: the session has all positions of the model, unless --ctx says how many.
func (o *decodeOptions) plan(s *cli.Streams, ck *checkpoint.Checkpoint, steps int, strategy decode.Strategy) (plan, error) {
	scheme, err := o.scheme()
	if err != nil {
		return plan{}, err
	}
	if o.asked() {
		need := ck.Config.BlockSize
		if o.talks {
			need = chatContext
		}
		session, err := o.session(ck.Config, need, steps, strategy)
		if o.everyOutput {
			session.Outputs = session.Context
		}
		return plan{scheme: scheme, session: session}, err
	}
	var prompt []int32
	need := chatContext
	if !o.talks {
		if prompt, err = o.prompt(s, ck); err != nil {
			return plan{}, err
		}
		need = len(prompt) + o.MaxTokens
	}
	pick, err := o.filters(s, ck.Generation)
	if err != nil {
		return plan{}, err
	}
	session, err := o.session(ck.Config, need, steps, strategy)
	if err == nil {
		err = o.idle(ck.Config, pick.Greedy)
	}
	if err != nil {
		return plan{}, err
	}
	switch {
	case o.MaxTokens < 0 || o.MaxTokens < 1 && !o.talks:
		return plan{}, cli.Usage("--max-tokens %d: want at least 1", o.MaxTokens)
	case o.InitScale < 0 || o.InitScale > maxInitScale:
		return plan{}, cli.Usage("--init-scale %g: want 0 to %g", o.InitScale, float64(maxInitScale))
	case slices.Contains(o.Stop, ""):
		return plan{}, cli.Usage("--stop: an empty text ends nothing; give the text to stop before")
	case o.StepsPerSubmit < 0:
		return plan{}, cli.Usage("--steps-per-submit %d: want 0 or more", o.StepsPerSubmit)
	case len(prompt) > session.Context:
		more := ""
		if session.Context < ck.Config.BlockSize {
			more = fmt.Sprintf(", or raise --ctx (this model: at most %d)", ck.Config.BlockSize)
		}
		return plan{}, cli.Usage("the prompt has %d tokens, the context %d positions; shorten the prompt%s", len(prompt), session.Context, more)
	}
	if o.everyOutput {
		session.Outputs = len(prompt) // as far as a pass has rows
	}
	if session.Lookup.DecodeLast && !o.talks {
		session.Unread = shaders.PagesOf(len(prompt)) * shaders.PagePositions * max(o.texts, 1)
	}
	prefix := 0
	if o.talks {
		session.Outputs = max(session.Outputs, traceRows)
	}
	if o.talks && ck.Config.PrefixLM {
		session.Rows = max(session.Rows, min(session.Context, longestQuestion))
	}
	if o.Chat && ck.Config.PrefixLM { // questions are read so, in one pass
		prefix = len(prompt)
		session.Rows = max(session.Rows, prefix)
	}
	return plan{
		scheme:  scheme,
		request: decode.Request{Prompt: prompt, Prefix: prefix, Steps: steps, MaxTokens: o.MaxTokens, Pick: pick, Strategy: strategy, StopStrings: o.Stop},
		session: session,
		state:   decode.Sequence{Seed: pick.Seed, InitScale: o.InitScale},
	}, nil
}

// idle refuses flags about drawn states of a model that draws none.
func (o *decodeOptions) idle(c arch.Config, greedy bool) error {
	switch {
	case c.StartsDrawn():
	case o.set("init-scale"):
		return cli.Usage("--init-scale has no meaning for this %s model: its states are not drawn, they begin as the token itself", c.FamilyName())
	case o.set("seed") && greedy && !c.Adapter(): // without an adapter there is no wave, whose noise is drawn
		return cli.Usage("--seed has no meaning for this %s model without sampling (--temp): neither its states nor its tokens are drawn", c.FamilyName())
	}
	return nil
}

// session is the session as the flags have it, with room for need positions where they do not say how many, and for what
// the strategy needs besides.
func (o *decodeOptions) session(c arch.Config, need, steps int, strategy decode.Strategy) (engine.SessionOptions, error) {
	name := o.Lookup
	if !o.set("cache-lookup-strategy") {
		name = strategy.Lookup(c.NLayersInRecurrentBlock)
	}
	// Which rule it is decides whether a speculative text is that of plain decoding, and what a wave sees.
	o.fixLookup = !strategy.Plain()
	lookup, err := decode.ParseLookup(name, c.NLayersInRecurrentBlock)
	if err == nil {
		err = strategy.Fits(lookup, steps)
	}
	if err != nil {
		return engine.SessionOptions{}, cli.AsUsage(err)
	}
	positions := o.Context
	if positions == 0 {
		positions = min(max(need, 1), c.BlockSize)
	}
	if positions < 1 || positions > c.BlockSize {
		return engine.SessionOptions{}, cli.Usage("--ctx %d: this model takes 1 to %d positions (block_size)", o.Context, c.BlockSize)
	}
	kv, err := o.kvType()
	session := engine.SessionOptions{Sequences: o.texts, Context: positions, MaxSteps: steps, Lookup: lookup, KV: kv, StepsPerSubmit: o.StepsPerSubmit}
	return session.For(strategy), err
}
