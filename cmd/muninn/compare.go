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
	"muninn/model/decode"
	"muninn/model/engine"
)

type compareOptions struct {
	decodeOptions

	Depths string
	JSON   bool
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
			o.take(args)
			return compare(ctx, s, o)
		},
	}
}

// depths are the numbers of core steps to compare.
func (o *compareOptions) depths(c arch.Config) ([]int, error) {
	if o.Depths == "" {
		depths := []int{1}
		for _, part := range []int{4, 2, 1} {
			if n := c.MeanRecurrence / part; n > depths[len(depths)-1] {
				depths = append(depths, n)
			}
		}
		return depths, nil
	}
	depths, err := parseCounts("--num-steps", o.Depths, 0, maxSteps)
	switch {
	case err != nil:
		return nil, err
	case len(depths) == 0 || len(depths) > maxCompared:
		return nil, cli.Usage("--num-steps %s: want 1 to %d numbers", o.Depths, maxCompared)
	}
	return depths, nil
}

// compare decodes one prompt at several depths.
func compare(ctx context.Context, s *cli.Streams, o *compareOptions) (err error) {
	ck, err := openModel(s, o.Model)
	if err != nil {
		return err
	}
	defer ck.Close()
	depths, err := o.depths(ck.Config)
	if err != nil {
		return err
	}
	strategy, err := o.strategy(nil)
	if err != nil {
		return err
	}
	o.texts = len(depths)
	p, err := o.plan(s, ck, slices.Max(depths), strategy)
	if err != nil {
		return err
	}
	if o.asked() {
		return o.printMemory(s, ck, p, o.JSON)
	}
	x, err := o.open(ctx, s, ck, &p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	var view compareView
	if o.JSON {
		view = newCompareLines(s, depths)
	} else {
		view = newCompareTexts(s, depths, x.Tokenizer != nil)
	}
	err = compareBatch(ctx, x, p, depths, view)
	return errors.Join(err, view.close())
}

// compareBatch decodes all depths at once. Their tokens start from the same initial states, as each would alone.
func compareBatch(ctx context.Context, x *opened, p plan, depths []int, view compareView) error {
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

// compareView is where the texts go.
type compareView interface {
	token(column int, t decode.Token) error
	end(column int, e compareEnd) error
	close() error
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

// compareLines writes JSON, as a run at each depth does.
type compareLines []*tokenWriter

func newCompareLines(s *cli.Streams, depths []int) (v compareLines) {
	for i := range depths {
		w := newTokenWriter(s, true, true)
		w.depth = &depths[i]
		v = append(v, w)
	}
	return v
}

func (v compareLines) token(column int, t decode.Token) error { return v[column].token(t) }

func (v compareLines) end(column int, e compareEnd) error { return v[column].json.Encode(e) }

func (v compareLines) close() error { return nil }

// compareTexts shows texts.
type compareTexts struct {
	screen *cli.SideBySide
	texts  bool
}

func newCompareTexts(s *cli.Streams, depths []int, texts bool) *compareTexts {
	widest := 9999.9
	titles := cli.Each(depths, func(n int) string { return fmt.Sprintf("r = %d", n) })
	return &compareTexts{cli.NewSideBySide(s, titles, compareSummary(99999, 999.9, &widest)), texts}
}

func (v *compareTexts) token(column int, t decode.Token) error {
	return v.screen.Push(column, textOrID(t, v.texts))
}

func (v *compareTexts) end(column int, e compareEnd) error {
	return v.screen.Finish(column, compareSummary(e.Tokens, e.StepsPerToken, e.Rate))
}

func (v *compareTexts) close() error { return v.screen.Close() }

// compareSummary is the line below a column: tokens, core steps a token, and tokens a second where that is known.
func compareSummary(tokens int, steps float64, rate *float64) string {
	text := fmt.Sprintf("%d tok, %.1f steps/tok", tokens, steps)
	if rate != nil {
		text += fmt.Sprintf(", %.1f tok/s", *rate)
	}
	return text
}
