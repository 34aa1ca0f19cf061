package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
)

type compareOptions struct {
	decodeOptions

	Depths string
	JSON   bool

	depths []int // as Depths says, or by the model
}

// maxCompared is how many depths stand side by side at most.
const maxCompared = 16

func (o *compareOptions) addFlags(fs *pflag.FlagSet) {
	o.textFlags(fs, 128)
	cli.Group(fs, "Depth", func() {
		fs.StringVarP(&o.Depths, "num-steps", "r", "", "core `steps` of each token, one text for each of the numbers")
		fs.Lookup("num-steps").DefValue = "1, a quarter, half and all of the model's mean_recurrence"
	})
	o.strategyOptions.addFlags(fs, true)
	o.machineFlags(fs)
	cli.Group(fs, "Output", func() {
		fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each token as it comes, then one for each depth")
	})
}

func compareCommand() *cli.Command {
	o := &compareOptions{}
	return &cli.Command{
		Name: "compare", Args: "MODEL [PROMPT]", Min: 1, Max: 2,
		Summary: "continue a prompt at several depths side by side",
		Detail: `The texts are decoded at the same time: whatever waits for a core step shares the pass over the weights, whatever its
depth. Each text is what "muninn run" gives at that depth with the same flags. On a terminal the texts grow side by
side; elsewhere one follows the other, in the order of the list.

With --json, each object has "num_steps", by which texts are told apart; that of a token has the fields that
"muninn run --json" prints, the last one of a depth has "finish_reason" and counters. Rates are those of texts that
share the device; a token counts where nothing had to be compiled or recorded for it or for one beside it.`,
		Examples: []string{
			`muninn compare demo "k=d;d=a;a=3;k?" -r 1,2,4`,
			`muninn compare ~/huginn-0125 --chat -r 4,8,32 "Why is the sky blue?"`,
			`muninn compare demo "k=d;d=a;a=3;k?" -r 1,4,16 --criterion kl --json`,
		},
		Flags: o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return o.begin(ctx, s, args, o.JSON, o.depth, func(ck *checkpoint.Checkpoint, p plan) error { return compare(ctx, s, o, ck, p) })
		},
	}
}

// depth puts down the depths to compare, and gives the deepest.
func (o *compareOptions) depth(c arch.Config) (steps int, strategy decode.Strategy, err error) {
	if o.depths, err = parseCounts("--num-steps", o.Depths, 0, maxSteps); err != nil {
		return 0, strategy, err
	}
	if o.Depths == "" {
		o.depths = []int{1}
		for _, part := range []int{4, 2, 1} {
			if n := c.MeanRecurrence / part; n > o.depths[len(o.depths)-1] {
				o.depths = append(o.depths, n)
			}
		}
	}
	if o.texts = len(o.depths); o.texts == 0 || o.texts > maxCompared {
		return 0, strategy, cli.Usage("--num-steps %s: want 1 to %d numbers", o.Depths, maxCompared)
	}
	strategy, err = o.strategy(c, slices.Max(o.depths), nil)
	return slices.Max(o.depths), strategy, err
}

// compare decodes one prompt at several depths.
func compare(ctx context.Context, s *cli.Streams, o *compareOptions, ck *checkpoint.Checkpoint, p plan) (err error) {
	x, err := o.open(ctx, s, ck, &p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	view := newCompareView(s, o.depths, o.JSON, x.Tokenizer != nil)
	err = compareBatch(ctx, x, p, o.depths, view)
	return errors.Join(err, view.close())
}

// compareBatch decodes all depths at once. Their tokens start from the same initial states, as each would alone.
func compareBatch(ctx context.Context, x *opened, p plan, depths []int, view *compareView) error {
	b := engine.NewBatch(x.session)
	var failed error
	for i, steps := range depths {
		req := p.request
		req.Steps = steps
		t := newTally(x.Device(), len(req.Prompt), 0)
		token := func(token decode.Token) error {
			x.reading.Done()
			t.token(token)
			return view.token(i, token)
		}
		end := func(out decode.Outcome, err error) {
			if err == nil {
				err = view.end(i, compareEnd{
					Steps: steps, Finish: out.Finish, Tokens: t.tokens, Seconds: time.Since(t.start).Seconds(),
					Rate: t.pace.rate(), depthSummary: depthOf(t, out, req),
				})
			}
			failed = errors.Join(failed, err)
		}
		if _, err := b.Add(req, p.state, token, end); err != nil {
			return err
		}
	}
	if err := b.Run(ctx); err != nil {
		return err // the requests taken out say the same
	}
	return failed
}

// compareEnd is the last object of a depth.
type compareEnd struct {
	Steps   int           `json:"num_steps"`
	Finish  decode.Finish `json:"finish_reason"`
	Tokens  int           `json:"tokens"`
	Seconds float64       `json:"seconds"`
	Rate    *float64      `json:"tokens_per_second"` // as in a run's summary
	depthSummary
}

// compareView is where the texts go: into JSON, as a run at each depth does, or side by side.
type compareView struct {
	lines  []*tokenWriter  // of each depth
	screen *cli.SideBySide // nil: JSON
	texts  bool
}

func newCompareView(s *cli.Streams, depths []int, asJSON, texts bool) *compareView {
	if !asJSON {
		widest := 9999.9
		titles := cli.Each(depths, func(n int) string { return fmt.Sprintf("r = %d", n) })
		return &compareView{screen: cli.NewSideBySide(s, titles, compareSummary(99999, 999.9, &widest)), texts: texts}
	}
	v := &compareView{}
	for i := range depths {
		w := newTokenWriter(s, true, true)
		w.depth = &depths[i]
		v.lines = append(v.lines, w)
	}
	return v
}

func (v *compareView) token(column int, t decode.Token) error {
	if v.screen == nil {
		return v.lines[column].token(t)
	}
	return v.screen.Push(column, textOrID(t, v.texts))
}

func (v *compareView) end(column int, e compareEnd) error {
	if v.screen == nil {
		return v.lines[column].json.Encode(e)
	}
	return v.screen.Finish(column, compareSummary(e.Tokens, e.StepsPerToken, e.Rate))
}

func (v *compareView) close() error {
	if v.screen == nil {
		return nil
	}
	return v.screen.Close()
}

// compareSummary is the line below a column: tokens, core steps a token, and tokens a second where that is known.
func compareSummary(tokens int, steps float64, rate *float64) string {
	text := fmt.Sprintf("%d tok, %.1f steps/tok", tokens, steps)
	if rate != nil {
		text += fmt.Sprintf(", %.1f tok/s", *rate)
	}
	return text
}
