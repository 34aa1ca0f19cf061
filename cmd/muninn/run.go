package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"muninn/model"
	"muninn/shaders"
	"muninn/vk"
)

// runOptions are the arguments and flags of run.
type runOptions struct {
	Model string
	promptOptions
	samplingOptions
	deviceOptions
	fitOptions
	schemeOptions

	Steps             int // -1: the model's mean_recurrence
	MaxTokens         int
	Stop              []string
	InitScale         float64
	ContinuousCompute bool
	Lookup            string
	Context           int // 0: what prompt and MaxTokens need
	NoCache           bool
	Activations       string
	StepsPerSubmit    int
	JSON              bool
	Stats             bool
	Profile           bool
}

// AddFlags declares the flags.
func (o *runOptions) AddFlags(fs *pflag.FlagSet) {
	fs.IntVarP(&o.Steps, "num-steps", "r", -1, "core steps of each token: how deep the model thinks")
	fs.Lookup("num-steps").DefValue = "the model's mean_recurrence"
	fs.IntVarP(&o.MaxTokens, "max-tokens", "n", 512, "tokens to generate at most")
	fs.StringArrayVar(&o.Stop, "stop", nil, "end before this `text`; may be given several times")
	o.promptOptions.AddFlags(fs)
	o.samplingOptions.AddFlags(fs)
	fs.Float64Var(&o.InitScale, "init-scale", 1, "times the standard deviation of the initial state; 0 starts from zeros")
	fs.BoolVar(&o.ContinuousCompute, "continuous-compute", false, "start each token from the final state of the one before")
	fs.StringVar(&o.Lookup, "cache-lookup-strategy", model.DefaultLookup, "`strategy` of the KV cache ("+strings.Join(model.LookupNames(), ", ")+")")
	fs.IntVar(&o.Context, "ctx", 0, "positions of the KV cache, prompt and answer together")
	fs.Lookup("ctx").DefValue = "what the prompt and --max-tokens need, at most the model's block_size"
	o.deviceOptions.AddFlags(fs)
	o.fitOptions.AddFlags(fs)
	o.schemeOptions.AddFlags(fs, "auto")
	choiceVar(fs, &o.Activations, "activations", "auto", shaders.ActivationNames(), "what products with q8_0 and q4_0 weights take from a norm: "+
		"its values, or those in blocks of 8 bits; auto: 8 bits where the device has fast integer dot products")
	fs.BoolVar(&o.NoCache, "no-cache", false, "do not keep quantised weights as a file in the cache")
	fs.IntVar(&o.StepsPerSubmit, "steps-per-submit", 0, "core steps of one submission at most; 0: what stays well below drivers' time limits")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each token, then one with counters")
	fs.BoolVar(&o.Stats, "stats", false, "print times, rates and counters to standard error at the end")
	fs.BoolVar(&o.Profile, "profile", false, "print the device time of each kernel to standard error at the end; slows the run down")
}

func runCommand() *command {
	o := &runOptions{}
	return &command{
		name: "run", args: "MODEL [PROMPT]", min: 1, max: 2,
		summary: "continue a prompt, or answer it with --chat",
		detail: `MODEL is a folder with config.json, safetensors weights and tokenizer.json, a GGUF file that "muninn quantize" wrote, or
"demo" for the model in this program.

With --quant q8_0 or q4_0, weights that are stored otherwise are quantised once and kept as a GGUF file in the cache. It
may be deleted at any time.

The prompt is PROMPT, or the text of --file, or standard input when that is not a terminal; one final newline of a
file or of standard input is left out. The text goes to standard output as it becomes certain, everything else to
standard error.

Sampling follows the model's generation_config.json when that says do_sample, and is greedy otherwise; flags win.
One device and driver gives the same tokens for the same seed and settings. The initial state of a token depends on
the seed and its position, so the seed matters for greedy output too.

Before anything is loaded the memory it takes is planned. What is not given of format, KV rule and context is chosen so
that the device holds it, in that order of preference, and one line says what was chosen; --no-fit takes everything as
given. --plan prints the plan and needs no prompt: the context is then --ctx, or all positions that the model has.

With --json, each line is an object: "id", "text" (what became certain), "steps", "logprob", "margin" of a token;
text still held back at the end comes alone; the last object has "finish_reason" (stop, length, context or
interrupted) and the counters.`,
		examples: []string{
			`muninn run demo "k=d;d=a;a=3;k?"`,
			`muninn run demo -r 1 --json "k=d;d=a;a=3;k?"`,
			`muninn run ~/huginn-0125 --chat -r 32 --temp 0.7 "Why is the sky blue?"`,
			`muninn run ~/huginn-0125 -f story.txt -n 200 --device 1 --stats`,
			`muninn run ~/huginn-0125 --plan-for 6GiB`,
		},
		flags: o.AddFlags,
		run: func(ctx context.Context, s *streams, args []string) error {
			o.Model = args[0]
			if len(args) > 1 {
				o.Text = &args[1]
			}
			return run(ctx, s, o)
		},
	}
}

// plan is a run whose every setting has been checked, before anything large is loaded.
type plan struct {
	request model.Request
	session model.SessionOptions
	state   model.Sequence
}

// run generates one answer.
func run(ctx context.Context, s *streams, o *runOptions) (err error) {
	ck, err := model.OpenPath(o.Model)
	if err != nil {
		return err
	}
	defer ck.Close()
	scheme, err := o.scheme()
	if err != nil {
		return err
	}
	if o.asked() {
		session, err := o.session(ck.Config, ck.Config.BlockSize)
		if err != nil {
			return err
		}
		return o.printPlan(s, ck, o.deviceOptions, scheme, session, o.JSON)
	}
	p, err := o.plan(s, ck)
	if err != nil {
		return err
	}
	dev, err := openDevice(s, o.deviceOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	if err := calibrate(ctx, s, dev); err != nil {
		return err
	}
	dev.SetProfiling(o.Profile)
	if scheme, err = o.settle(s, ck, dev.Caps(), scheme, &p.session, len(p.request.Prompt)); err != nil {
		return err
	}
	weights := ck
	if !o.NoCache {
		if weights, err = quantised(ctx, s, o.Model, ck, scheme); err != nil {
			return err
		}
		if weights != ck {
			defer weights.Close()
		}
	}
	activations, err := shaders.ParseActivations(o.Activations)
	if err != nil {
		return usage("%s", strings.TrimPrefix(err.Error(), "shaders: "))
	}
	m, loading, err := loadModel(s, o.Model, weights, dev, model.Options{Weights: scheme, Kernels: shaders.Options{Activations: activations}})
	if err != nil {
		return err
	}
	defer m.Close()
	p.request.StopIDs = m.StopIDs()
	session, err := m.NewSession(p.session)
	if err != nil {
		return err
	}
	defer session.Close()
	session.SetSequence(0, p.state)

	w := newTokenWriter(s, o.JSON, m.Tokenizer != nil)
	t := newTally(dev, len(p.request.Prompt), loading)
	out, err := m.Generate(ctx, session, 0, p.request, func(token model.Token) error {
		t.token(token)
		return w.token(token)
	})
	finish := out.Finish
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err != nil {
		finish = "interrupted"
	}
	return errors.Join(err, o.finish(s, w, t.close(session, finish, p.request), traffic(weights, scheme, p.request.Steps)))
}

// finish ends the output and prints what was asked for besides it.
func (o *runOptions) finish(s *streams, w *tokenWriter, sum summary, perToken uint64) error {
	err := w.close(sum)
	if o.Stats {
		printStats(s.err, sum, perToken)
	}
	if o.Profile {
		printProfile(s.err, sum.timings)
	}
	return err
}

// plan checks the options against the model.
func (o *runOptions) plan(s *streams, ck *model.Checkpoint) (plan, error) {
	c := ck.Config
	prompt, err := o.prompt(s, ck)
	if err != nil {
		return plan{}, err
	}
	pick, err := o.sampling(s, ck.Generation)
	if err != nil {
		return plan{}, err
	}
	session, err := o.session(c, len(prompt)+o.MaxTokens)
	if err != nil {
		return plan{}, err
	}
	switch {
	case o.MaxTokens < 1:
		return plan{}, usage("--max-tokens %d: want at least 1", o.MaxTokens)
	case o.InitScale < 0 || o.InitScale > maxInitScale || o.InitScale != o.InitScale:
		return plan{}, usage("--init-scale %g: want 0 to %g", o.InitScale, float64(maxInitScale))
	case o.StepsPerSubmit < 0:
		return plan{}, usage("--steps-per-submit %d: want 0 or more", o.StepsPerSubmit)
	case len(prompt) > session.Context:
		return plan{}, usage("the prompt has %d tokens, the context %d positions (this model: at most %d); shorten the prompt or raise --ctx",
			len(prompt), session.Context, c.BlockSize)
	}
	return plan{
		request: model.Request{Prompt: prompt, Steps: session.MaxSteps, MaxTokens: o.MaxTokens, Pick: pick, StopStrings: o.Stop},
		session: session,
		state:   model.Sequence{Seed: pick.Seed, InitScale: o.InitScale, ContinuousCompute: o.ContinuousCompute},
	}, nil
}

// session is the session as the flags have it, with room for need positions where they do not say how many.
func (o *runOptions) session(c model.Config, need int) (model.SessionOptions, error) {
	lookup, err := model.ParseLookup(o.Lookup, c.NLayersInRecurrentBlock)
	if err != nil {
		return model.SessionOptions{}, usage("%v", err)
	}
	steps := o.Steps
	if steps < 0 {
		steps = c.MeanRecurrence
	}
	positions := o.Context
	if positions == 0 {
		positions = min(max(need, 1), c.BlockSize)
	}
	switch {
	case o.Steps < -1 || steps > maxSteps:
		return model.SessionOptions{}, usage("--num-steps %d: want 0 to %d", o.Steps, maxSteps)
	case positions < 1 || positions > c.BlockSize:
		return model.SessionOptions{}, usage("--ctx %d: this model takes 1 to %d positions (block_size)", o.Context, c.BlockSize)
	}
	kv, err := o.kvType()
	return model.SessionOptions{Context: positions, MaxSteps: steps, Lookup: lookup, KV: kv, StepsPerSubmit: o.StepsPerSubmit}, err
}

// Bounds that keep a slip of the finger from asking for years of work, or for a state that is not finite.
const (
	maxSteps     = 1 << 16
	maxInitScale = 1e6
)

// newTally starts counting what a run takes of a device.
func newTally(dev *vk.Device, prompt int, loading time.Duration) *tally {
	return &tally{dev: dev, prompt: prompt, loading: loading, before: dev.Counters(), start: time.Now()}
}

// describe names a device as results do.
func describe(c vk.Caps) string { return fmt.Sprintf("%s (%s)", c.Name, c.Driver) }
