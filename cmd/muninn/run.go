package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/vk"
)

type runOptions struct {
	decodeOptions

	Depth        int // num_steps; -1: the model's mean_recurrence, or the effort's
	Effort       string
	JSON         bool
	Top          int
	Steps        bool
	ComparePlain bool
	Stats        bool
	Profile      bool
	chatOptions

	flags *pflag.FlagSet
}

func (o *runOptions) addFlags(fs *pflag.FlagSet) {
	o.flags = fs
	tokens := 512
	if o.talks {
		tokens = 0
	}
	o.textFlags(fs, tokens)
	cli.Group(fs, "Depth", func() {
		fs.IntVarP(&o.Depth, "num-steps", "r", -1, "core steps (loops) of each token: how deep the model thinks; with --criterion, the most of them; of a wave, those of the prompt")
		fs.Lookup("num-steps").DefValue = ownDepth
		cli.ChoiceVar(fs, &o.Effort, "effort", "", cli.Each(decode.Efforts, func(e decode.Effort) string { return e.Name }), effortText)
	})
	o.strategyOptions.addFlags(fs, true)
	o.machineFlags(fs)
	cli.Group(fs, "Output", func() {
		fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each token, then one with counters")
		fs.IntVar(&o.Top, "top-logprobs", 0, "with --json, so many of the likeliest tokens in the place of each, 20 at most")
		cli.Advanced(fs, "top-logprobs")
		fs.BoolVar(&o.Steps, "steps", false, "show the core steps of each token: by its colour and the number below it, or without colours as word‹8›")
		if o.talks {
			return
		}
		fs.BoolVar(&o.ComparePlain, "compare-plain", false, "decode the prompt again plainly, all --num-steps a token, and compare the rates")
		fs.BoolVar(&o.Stats, "stats", false, "print times, rates and counters to standard error at the end")
		fs.BoolVar(&o.Profile, "profile", false, "print the device time of each kernel to standard error at the end; slows the run down")
	})
	if o.talks {
		cli.Group(fs, "Chat", func() { o.chatOptions.addFlags(fs) })
		fs.Lookup("max-tokens").DefValue = "as many as the context has room for"
		fs.Lookup("ctx").DefValue = fmt.Sprintf("%d, at most the model's block_size, fewer where memory is short", chatContext)
	}
}

func runCommand() *cli.Command {
	o := &runOptions{}
	return &cli.Command{
		Name: "run", Args: "MODEL [PROMPT]", Min: 1, Max: 2,
		Summary: "continue a prompt, or answer it with --chat",
		Detail: `MODEL is a folder with config.json, safetensors weights and tokenizer.json, a GGUF file that "muninn quantize" wrote,
ORG/NAME or ORG/NAME@REVISION on the hub, a short name ("muninn list --all" shows them), or "demo" for the model in this
program. A model of the hub that is not here is fetched, as by "muninn pull", after a question if it is over 1 GiB.

With --quant q8_0 or q4_0, weights that are stored otherwise are quantized once and kept as a GGUF file in the cache,
which "muninn cache" shows and clears.

The prompt is PROMPT, or the text of --file, or standard input when that is not a terminal; one final newline of a
file or of standard input is left out. On a terminal without a prompt, run is "muninn chat". The text goes to standard
output as it becomes certain, everything else to standard error.

Sampling follows the model's generation_config.json when that says do_sample, and is greedy otherwise; flags win.
The same seed and settings give the same tokens on the same device, driver and tuning. Where a model draws the initial
state of a token, as Huginn does, it depends on the seed and its position, so the seed matters for greedy output too.

With --chat the prompt is laid out in the model's chat form. HRM-Text was trained on little else: it reads the question
as one prefix, whose tokens see each other, under --conditions; without --chat it continues the prompt as text, which it
does worse. Retrofitted models have no chat form.

The memory that a run takes is planned before anything is loaded. Anything you leave unset (format, KV rule, context) is
chosen to fit the device's memory, in that order of preference, and one line says what was chosen; --no-fit takes
everything as given. --plan prints the plan and needs no prompt: the context is then --ctx, or all that the model has.

-r or --effort sets the depth. Ouro, HRM-Text and Nanbeige were trained for a fixed number of core steps (for HRM-Text,
of its upper stack): they can take fewer, but get worse beyond it. With --criterion each token takes as many core steps
as it needs, at most -r; the device itself decides. With --criterion gate a token leaves once Ouro's exit gate would
have let it go by then with a probability of --exit-threshold or more. --cache-lookup-strategy says what later tokens
see of the steps that it skipped; with full it skips none, and the gate only chooses which step gives the token.

--decode speculative drafts tokens with few core steps and verifies them all in one pass: at threshold 1 the text is
that of plain decoding. --decode wave keeps many positions in flight, gives all of them a few core steps at a time, and
freezes those that have settled; its defaults are the paper's settings, and models without an adapter (Ouro, HRM-Text,
Nanbeige) cannot use it. There -r is the depth of the prompt and does not limit tokens: each takes core steps until it
settles. If no position settles within eight times -r core steps, the wave freezes one as it is. When memory is short,
plain decoding may get a KV rule that keeps less; speculative and wave keep the rule that each is defined with (see
--cache-lookup-strategy).

With --json, each line is an object: "id", "text" (what became certain), "steps" (core steps that decided it),
"logprob", "margin" of a token, "thinking" where it comes before the answer (dim on a terminal), and "top_logprobs" with
--top-logprobs; text still held back at the end comes alone; the last object has "finish_reason" (stop, length, context
or interrupted), "steps_per_token", "core_passes_per_token" (of the prompt too; a pass may serve several tokens) and
counters. The line at the end on standard error says the same in short; -q leaves it out.`,
		Examples: []string{
			`muninn run demo "k=d;d=a;a=3;k?"`,
			`muninn run demo -r 1 --json "k=d;d=a;a=3;k?"`,
			`muninn run ~/huginn-0125 --chat -r 32 --temp 0.7 "Why is the sky blue?"`,
			`muninn run demo "k=d;d=a;a=3;k?" -r 32 --criterion kl --steps --compare-plain`,
			`muninn run ~/huginn-0125 --effort medium --steps --chat "Why is the sky blue?"`,
			`muninn run ~/ouro-1.4b --criterion gate --exit-threshold 0.8 --steps "The capital of France is"`,
			`muninn run ~/hrm-text-1b --chat --conditions synth,cot "What is 17 times 24?"`,
			`muninn run ~/huginn-0125 --decode speculative --draft-steps 4 --lookahead 8 -f story.txt`,
			`muninn run ~/huginn-0125 --decode wave -f story.txt --compare-plain`,
			`muninn run ~/huginn-0125 -f story.txt -n 200 --device 1 --stats`,
			`muninn run ~/huginn-0125 --plan-for 6GiB`,
		},
		Flags: o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			if len(args) == 1 && o.File == "" && o.IDs == "" && !o.asked() && s.Interactive() {
				return o.converse(ctx, s, args)
			}
			return o.begin(ctx, s, args, o.JSON, o.depth, func(ck *checkpoint.Checkpoint, p plan) error { return run(ctx, s, o, ck, p) })
		},
	}
}

// run generates one answer.
func run(ctx context.Context, s *cli.Streams, o *runOptions, ck *checkpoint.Checkpoint, p plan) (err error) {
	p.request.Top = o.Top
	p.greedy = p.request.Simple()
	x, err := o.open(ctx, s, ck, &p, o.Profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	x.session.SetSequence(0, p.state)

	w := newTokenWriter(s, o.JSON, x.Tokenizer != nil)
	if o.Steps && !o.JSON {
		w.steps = cli.NewStepsView(s, p.request.Steps)
	}
	t := newTally(x.Device(), len(p.request.Prompt), x.Loading)
	out, err := x.Generate(ctx, x.session, 0, p.request, func(token decode.Token) error {
		x.reading.Done()
		t.token(token)
		return w.token(token)
	})
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err != nil {
		out.Finish = "interrupted"
	}
	sum := t.close(x.session, out, p.request)
	if o.ComparePlain && err == nil {
		sum.Plain, err = comparePlain(ctx, x, p, t)
	}
	return errors.Join(err, o.finish(s, w, sum, x.perToken(p.request.Steps)))
}

// depth is num_steps and the strategy as the flags have them.
func (o *runOptions) depth(c arch.Config) (steps int, strategy decode.Strategy, err error) {
	e := decode.EffortOf(o.Effort)
	switch {
	case o.given("num-steps") && o.Depth < 0:
		return 0, strategy, checkSteps(o.Depth)
	case o.Depth >= 0:
		steps = o.Depth
	case e != nil:
		steps = e.Steps(c)
	default:
		steps = c.MeanRecurrence
	}
	if err := checkSteps(steps); err != nil {
		return 0, strategy, err
	}
	if strategy, err = o.strategy(c, steps, e); err != nil {
		return 0, strategy, err
	}
	switch {
	case o.Top < 0 || o.Top > decode.MostTop:
		return 0, strategy, cli.Usage("--top-logprobs %d: want 0 to %d", o.Top, decode.MostTop)
	case o.Top > 0 && !o.JSON:
		return 0, strategy, cli.Usage("--top-logprobs has no meaning without --json")
	}
	if o.ComparePlain && strategy.Exit == nil && strategy.Plain() {
		return 0, strategy, cli.Usage("--compare-plain: this run is plain decoding already; add --criterion or --decode")
	}
	return steps, strategy, nil
}

// finish ends the output, says in a line what it took, and prints what was asked for besides.
func (o *runOptions) finish(s *cli.Streams, w *tokenWriter, sum summary, perToken float64) error {
	err := w.close(sum)
	if o.ComparePlain {
		fmt.Fprintln(s.Err, sum.closing()) // asked for by name, so -q does not leave it out
	} else {
		s.Note("%s", sum.closing())
	}
	if o.Stats {
		printStats(s.Err, sum, perToken)
	}
	if o.Profile {
		printProfile(s, sum.timings)
	}
	return err
}

// newTally starts counting what a run takes of a device.
func newTally(dev *vk.Device, prompt int, loading time.Duration) *tally {
	return &tally{dev: dev, prompt: prompt, loading: loading, before: dev.Counters(), start: time.Now()}
}

// describe names a device as results do.
func describe(c vk.Caps) string { return fmt.Sprintf("%s (%s)", c.Name, c.Driver) }

const effortText = "preset of depth: a quarter (low), half (medium) and all (high) of the model's mean_recurrence with --criterion latent-diff " +
	"(high: --exit-threshold 0.01), or twice that without an exit (max); of a model of fixed depth, half (low) or all (medium, high, max) of its core steps, " +
	"Ouro's with --criterion gate (high: --exit-threshold 0.9; max: no exit); other flags win, and --decode speculative and wave take num_steps alone"

// ownDepth is the default of --num-steps, by its names in config.json.
const ownDepth = "the model's mean_recurrence, total_ut_steps, num_loops or H_cycles"
