package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/score"
	"muninn/shaders"
)

type scoreOptions struct {
	decodeOptions

	Depths  string
	Batch   int
	Stride  int
	NoBegin bool
	JSON    bool

	depths []int
}

func (o *scoreOptions) addFlags(fs *pflag.FlagSet) {
	cli.Group(fs, "Text", func() {
		fs.IntVar(&o.Stride, "stride", 0, "tokens by which each further window moves on, in a text that is longer than the context")
		fs.Lookup("stride").DefValue = "half of the context"
		fs.BoolVar(&o.NoBegin, "no-begin", false, "leave out the token that texts of this model begin with, as lm-eval does unless told add_bos_token")
		fs.BoolVar(&o.ParseSpecial, "parse-special", false, "read special tokens that are spelt out in texts; not with text from strangers")
		seedVar(fs, &o.Seed, "0", "of initial states")
		cli.Advanced(fs, "parse-special")
	})
	cli.Group(fs, "Depth", func() {
		fs.StringVarP(&o.Depths, "num-steps", "r", "", "core `steps` of each token; with several numbers, everything is scored at each")
		fs.Lookup("num-steps").DefValue = ownDepth
	})
	o.strategyOptions.addFlags(fs, false)
	o.machineFlags(fs)
	fs.Lookup("ctx").DefValue = "what the longest item needs, at most the model's block_size"
	cli.Group(fs, "Memory", func() { fs.IntVar(&o.Batch, "batch", 8, "items scored side by side at most") })
	cli.Group(fs, "Output", func() {
		fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each item at each depth, then one that sums up the depth")
	})
}

func scoreCommand() *cli.Command {
	o := &scoreOptions{}
	return &cli.Command{
		Name: "score", Args: "MODEL FILE.jsonl", Min: 2, Max: 2,
		Summary: "measure how likely texts and choices are to a model, at several depths",
		Detail: `FILE has one JSON object per line; - is standard input. Each is one of

  {"text": "..."} or {"tokens": [1, 2, 3]}                        perplexity, of all tokens but the first
  {"context": "...", "continuation": " ..."}                      how likely it is, and whether the model would say it
  {"context": "...", "choices": [" a", " b"], "gold": 1}          which choice is likeliest; gold counts from 0
  a sample, as lm-eval logs them where it is told to              its arguments and target

Contexts, continuations and choices may be lists of token ids instead of texts, but not both on one line. An "id" is
repeated in the result; other fields are ignored. Text is split into tokens as lm-eval does: spaces at the end of a
context belong to what follows. An empty context stands for the model's begin token, or its end token.

Items are scored side by side, --batch at a time; a beginning that several share, as the choices of a question do, is
read once. A text longer than the context is read in windows, each --stride tokens further on; a question longer than
the context is an error that names its line.

Every token takes -r core steps; with --criterion each takes fewer once it has settled. Log probabilities are those of
the plain softmax, as in a server's echo.

With --json, an item's object has "line", "id", "num_steps", and "loglikelihood" (natural, the sum over its tokens),
"greedy" (each token is the likeliest in its place), "tokens", "bytes" and "perplexity", or a list of "choices" with
"gold", "best" and "best_normed": the likeliest by its length in characters, without spaces before it (of token ids, in
tokens), as lm-eval's acc_norm. The last object of a depth has "items", "perplexity" (of all texts together),
"bits_per_byte", "accuracy" and "accuracy_normed" with standard errors, and what was read and held.`,
		Examples: []string{
			`muninn score demo questions.jsonl -r 1,4,16`,
			`muninn score ~/huginn-0125 wiki.jsonl -r 8,32 --ctx 1024 --stride 512 --json`,
			`muninn score ~/ouro-1.4b arc.jsonl --criterion gate --exit-threshold 0.8`,
		},
		Flags: o.addFlags,
		Run:   func(ctx context.Context, s *cli.Streams, args []string) error { return o.run(ctx, s, args[0], args[1]) },
	}
}

func (o *scoreOptions) run(ctx context.Context, s *cli.Streams, name, file string) error {
	o.Model = name
	ck, err := o.checkpoint(ctx, s, name)
	if err != nil {
		return err
	}
	defer ck.Close()
	strategy, err := o.depth(ck.Config)
	if err != nil {
		return err
	}
	scheme, err := o.scheme()
	if err != nil {
		return err
	}
	p := plan{scheme: scheme, state: decode.Sequence{Seed: o.Seed.number(s), InitScale: o.InitScale}}
	p.request.Strategy = strategy
	items := []score.Item{{Parts: []score.Part{{Tokens: make([]int32, ck.Config.BlockSize)}}}}
	if !o.asked() {
		if items, err = o.items(s, ck, file); err != nil {
			return err
		}
	}
	if p.session, p.request.Prompt, err = o.room(ck.Config, items, strategy); err != nil {
		return err
	}
	if o.asked() {
		return o.printPlan(s, ck, o.deviceOptions, p.scheme, p.session, o.JSON)
	}
	return o.score(ctx, s, ck, p, items)
}

// depth puts down the depths, and gives how tokens take their core steps: with an exit each by itself.
func (o *scoreOptions) depth(c arch.Config) (strategy decode.Strategy, err error) {
	if o.depths, err = parseCounts("--num-steps", o.Depths, 0, maxSteps); err != nil {
		return strategy, err
	}
	if len(o.depths) == 0 {
		o.depths = []int{c.MeanRecurrence}
	}
	switch {
	case o.Batch < 1:
		return strategy, cli.Usage("--batch %d: want 1 or more", o.Batch)
	case o.Stride < 0:
		return strategy, cli.Usage("--stride %d: want 1 or more, or 0 for half of the context", o.Stride)
	case o.InitScale < 0 || o.InitScale > maxInitScale:
		return strategy, cli.Usage("--init-scale %g: want 0 to %g", o.InitScale, float64(maxInitScale))
	case o.given("do-not-exit-in-prefill"):
		return strategy, cli.Usage("--do-not-exit-in-prefill has no meaning here: what is scored is all prompt")
	case o.ContinuousCompute:
		return strategy, cli.Usage("--continuous-compute has no meaning here: it is for tokens that are decoded, and these are given")
	}
	strategy, err = o.strategy(c, slices.Max(o.depths), nil)
	if strategy.Exit != nil {
		strategy.Exit.Prefill = true
	}
	return strategy, err
}

// items reads the file.
func (o *scoreOptions) items(s *cli.Streams, ck *checkpoint.Checkpoint, file string) ([]score.Item, error) {
	t, err := ck.Text()
	if err != nil {
		return nil, err
	}
	var from io.Reader = s.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, cli.Usage("cannot read the items: %v", err)
		}
		defer f.Close()
		from = f
	} else {
		file = "standard input"
	}
	return score.Reader{Name: file, Text: t, NoBegin: o.NoBegin, ParseSpecial: o.ParseSpecial}.Read(from)
}

// mostScores is how many rows of logits a pass has for tokens that are scored.
const mostScores = 128

// room is the session that items need, and the tokens of the longest that has to go into it whole.
func (o *scoreOptions) room(c arch.Config, items []score.Item, strategy decode.Strategy) (session engine.SessionOptions, whole []int32, err error) {
	longest := 0
	for _, item := range items {
		for _, part := range item.Parts {
			longest = max(longest, len(part.Tokens)-1)
			if item.Kind != score.Text && len(part.Tokens)-1 > len(whole) {
				whole = part.Tokens[:len(part.Tokens)-1]
			}
		}
	}
	o.texts = o.Batch
	session, err = o.session(c, longest, slices.Max(o.depths), strategy)
	session.Scores = mostScores
	session.Positions = o.Batch * (shaders.PagesOf(session.Context) + 1) * shaders.PagePositions
	return session, whole, err
}

// score scores all items at each depth.
func (o *scoreOptions) score(ctx context.Context, s *cli.Streams, ck *checkpoint.Checkpoint, p plan, items []score.Item) (err error) {
	x, err := o.open(ctx, s, ck, &p, false)
	if err != nil {
		return err
	}
	loop := engine.NewLoop(x.session, engine.LoopOptions{Queue: o.Batch})
	defer func() {
		loop.Close()
		err = errors.Join(err, x.Close())
	}()
	work, err := newScoreWork(items, x.session.Context(), o.Stride)
	if err != nil {
		return err
	}
	x.reading.Done()
	x.reading = cli.NewProgress(s, "scoring", int64(len(work.parts)*len(o.depths)), false)
	var sums []score.Summary
	for _, steps := range o.depths {
		start := time.Now()
		err := score.Run(ctx, loop, work.parts, score.Options{Steps: steps, Strategy: p.request.Strategy, Lookup: p.session.Lookup, Setting: p.state, Parallel: o.Batch}, func(part int, r score.Result) {
			work.results[part] = &r
			x.reading.Add(1)
		})
		x.reading.Hide()
		sum, failed := work.sum(s, steps, o.JSON, err == nil, time.Since(start))
		if err = errors.Join(err, failed); err != nil {
			return cli.After(err, "%d of %d items at %d core steps", sum.Items, len(items), steps)
		}
		sums = append(sums, sum)
	}
	x.reading.Done()
	if !o.JSON {
		printScores(s, sums)
	}
	return nil
}
