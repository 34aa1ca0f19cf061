package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/trace"
)

type traceOptions struct {
	decodeOptions

	Depth      int // num_steps; -1: the model's mean_recurrence
	Outputs    []string
	Components int
	Starts     int
	Token      int // position of the token of Starts; -1: the prompt's last
	Theme      string

	flags *pflag.FlagSet
	job   trace.Job // what is recorded of the run
}

func (o *traceOptions) addFlags(fs *pflag.FlagSet) {
	o.textFlags(fs, 32)
	cli.Group(fs, "Trace", func() {
		fs.StringArrayVarP(&o.Outputs, "output", "o", nil, "`file` to write, by its ending .json, .html or .svg; - is JSON on standard output; may be given several times")
		fs.IntVarP(&o.Depth, "num-steps", "r", -1, "core steps of each token that are recorded; with --criterion, those after the exit too")
		fs.Lookup("num-steps").DefValue = ownDepth
		fs.IntVar(&o.Components, "components", trace.MaxComponents, "principal components of the latent states, 2 to 6")
		fs.IntVar(&o.Starts, "starts", 5, "initial states from which one token is taken again, to see whether they end alike; 0: none")
		fs.IntVar(&o.Token, "token", -1, "`position` of that token")
		fs.Lookup("token").DefValue = "the last one of the prompt"
		cli.ChoiceVar(fs, &o.Theme, "theme", "auto", trace.Themes(), "colours of pictures; auto: light or dark as the reader's screen is, light on paper")
		o.flags = fs
	})
	o.strategyOptions.addFlags(fs, false)
	o.machineFlags(fs)
}

func traceCommand() *cli.Command {
	o := &traceOptions{decodeOptions: decodeOptions{everyOutput: true}}
	return &cli.Command{
		Name: "trace", Args: "MODEL [PROMPT]", Min: 1, Max: 2,
		Summary: "record what happens at each core step, and draw it",
		Detail: `Decodes as "muninn run" does and records, for each token and each core step, how far the latent state moved, the
entropy of the next token and the five likeliest ones, and principal components of the state. The HTML page holds
numbers and pictures and needs no network; the SVG has the pictures alone; the JSON can be read by scripts, and holds
the command line that gives it again (run.args).

A row of the trace is a token that was read, of the prompt or of the answer: what the model made of it. The core steps
that "muninn run" gives for a token, in colours or in JSON, are those of the row before it, which decided it. With
--criterion, a row's steps are those until its exit; its path goes on to --num-steps, to show what was left out.

Recording runs coda and head after every core step and reads the states back: it takes much longer than "muninn run",
and memory for all of them.`,
		Examples: []string{
			`muninn trace demo "f=k;k=d;d=a;a=3;m=5;f?" -o trace.html`,
			`muninn trace demo "f=k;k=d;d=a;a=3;m=5;f?" -r 16 --criterion latent-diff -o trace.svg -o trace.json`,
			`muninn trace ~/huginn-0125 --chat -r 64 -n 20 -o trace.html "How much is 7 times 8?"`,
		},
		Flags: o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return o.begin(ctx, s, args, false, o.depth, func(ck *checkpoint.Checkpoint, p plan) error { return runTrace(ctx, s, o, ck, p) })
		},
	}
}

// maxTraceBytes is the most that states of a trace may take in memory.
const maxTraceBytes = 4 << 30

// depth is num_steps and the strategy as the flags have them.
func (o *traceOptions) depth(c arch.Config) (steps int, strategy decode.Strategy, err error) {
	if steps = o.Depth; steps < 0 && !o.given("num-steps") {
		steps = c.MeanRecurrence
	}
	if err := checkSteps(steps); err != nil {
		return 0, strategy, err
	}
	strategy, err = o.strategy(c, steps, nil)
	return steps, strategy, err
}

func runTrace(ctx context.Context, s *cli.Streams, o *traceOptions, ck *checkpoint.Checkpoint, p plan) (err error) {
	if err := o.check(p, ck.Config); err != nil {
		return err
	}
	if i := slices.IndexFunc(o.Outputs, ck.Holds); i >= 0 {
		return cli.Usage("--output %s is a file of the model %s, which writing to it would destroy; choose another name", o.Outputs[i], o.Model)
	}
	files, err := openTraceFiles(s, o.Outputs, o.Theme)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.close(err == nil)) }()

	x, err := o.open(ctx, s, ck, &p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	t, err := o.record(ctx, s, x, p)
	if err != nil {
		return err
	}
	return files.write(t)
}

// check refuses what a trace cannot be made of.
func (o *traceOptions) check(p plan, c arch.Config) error {
	last := len(p.request.Prompt) + o.MaxTokens - 1 // positions that run at most
	switch {
	case len(o.Outputs) == 0:
		return cli.Usage("nothing to write: name a file with --output, such as -o trace.html")
	case o.Components < trace.MinComponents || o.Components > trace.MaxComponents:
		return cli.Usage("--components %d: want %d to %d", o.Components, trace.MinComponents, trace.MaxComponents)
	case o.Starts < 0 || o.Starts > maxStarts:
		return cli.Usage("--starts %d: want 0 (none) to %d", o.Starts, maxStarts)
	case o.given("token") && (o.Token < 0 || o.Token >= last):
		return cli.Usage("--token %d: this run has positions 0 to %d", o.Token, last-1)
	case o.given("token") && o.Starts == 0:
		return cli.Usage("--token has no meaning without --starts")
	case o.ContinuousCompute && o.given("starts") && o.Starts > 0:
		return cli.Usage("--starts has no meaning with --continuous-compute: there a token starts from the state of the one before")
	case p.request.Steps == 0:
		return cli.Usage("--num-steps 0: a trace needs a core step at least")
	}
	states := uint64(min(last, c.BlockSize)+o.Starts) * uint64(p.request.Steps+1)
	if bytes := states * uint64(c.NEmbd) * 4; bytes > maxTraceBytes {
		return cli.Usage("%d states of %d values take %s, more than the %s that a trace may; use fewer --num-steps, or a shorter text",
			states, c.NEmbd, cli.Size(bytes), cli.Size(maxTraceBytes))
	}
	return nil
}

// maxStarts is the most paths that can be told apart in a picture.
const maxStarts = 16
