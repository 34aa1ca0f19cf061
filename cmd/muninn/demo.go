package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/demo"
	"muninn/model/store"
	"muninn/vk"
)

// What the demo shows: the depths of its tables, the problem it answers in public, and the chains it measures.
var demoDepths = []int{1, 2, 4, 8, 16}

const (
	demoHops     = 5 // of the problem answered column by column
	demoMinNames = 8 // definitions of that problem: some that do not matter, and few enough for a line
	demoMaxNames = 10
	demoInside   = 10 // core steps looked at from inside
	demoMaxHops  = 8  // longest chains measured
	demoContext  = 64 // positions of a sequence: 20 of the longest prompt, and an answer
	demoBatch    = 32 // problems answered side by side at most
	demoProblems = 20 // of each chain length, unless asked otherwise
)

type demoOptions struct {
	deviceOptions
	Seed     seed
	Problems int
	JSON     bool

	Page      bool
	Port      int
	NoBrowser bool
}

func (o *demoOptions) addFlags(fs *pflag.FlagSet) {
	o.addProven(fs)
	seedVar(fs, &o.Seed, "1", "of the problems and the initial states")
	fs.IntVar(&o.Problems, "problems", demoProblems, "fresh problems measured of each chain length")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object with everything measured")
	fs.BoolVar(&o.Page, "page", false, "serve a page with the model on this machine, to chat, compare depths and watch it think, until Ctrl-C")
	fs.IntVar(&o.Port, "port", 0, "port of the page; 0: any that is free")
	fs.BoolVar(&o.NoBrowser, "no-browser", false, "print the page's address only; otherwise it is opened where there is a browser")
}

func demoCommand() *cli.Command {
	o := &demoOptions{}
	return &cli.Command{
		Name:    "demo",
		Summary: "watch a small model think at several depths, in under a minute",
		Detail: `Uses the model inside this program: it follows chains of definitions such as k=d;d=a;a=3;k? and goes one definition
further with every core step. The demo answers one problem at five depths side by side, shows the same thought from
inside, step by step, and measures fresh problems of every length at every depth. All values are measured as it
runs; the same seed draws the same problems. On a terminal the first table is slowed down so that it can be watched.`,
		Examples: []string{"muninn demo", "muninn demo --seed random --problems 100", "muninn demo --device cpu --json", "muninn demo --page"},
		Flags:    o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, _ []string) error {
			switch {
			case o.Page:
				return demoPage(ctx, s, o)
			case o.Port != 0 || o.NoBrowser:
				return cli.Usage("--port and --no-browser are for the page: give --page too")
			}
			return runDemo(ctx, s, o)
		},
	}
}

// runDemo measures and shows, part by part.
func runDemo(ctx context.Context, s *cli.Streams, o *demoOptions) (err error) {
	if o.Problems < 1 || o.Problems > 10000 {
		return cli.Usage("--problems %d: want 1 to 10000", o.Problems)
	}
	start := time.Now()
	silent := *s // the demo says itself what it runs on
	silent.Quiet = true
	opening := o.opening(&silent)
	opening.Fit.Off, opening.Greedy, opening.Testing = true, true, testingBar(s)
	bar := cli.NewProgress(s, "compiling kernels", -1, false)
	opening.Kernels.Compiling = func(name string) { bar.Say("compiling " + name) }
	opening.Session = model.SessionOptions{
		Sequences: max(len(demoDepths), min(o.Problems, demoBatch)), Context: demoContext,
		MaxSteps: max(demoInside, demoDepths[len(demoDepths)-1]),
	}
	m, err := model.Open(ctx, store.DemoName, opening)
	if err != nil {
		return o.named(err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	session, err := m.NewSession(m.Size)
	if err != nil {
		return err
	}
	defer session.Close()

	show := newDemoScreen(s)
	if o.JSON {
		show.out, show.live = io.Discard, false
	}
	r := &demoRun{m: m.Model, s: session, passed: bar.Hide, seed: o.Seed.number(&silent)}
	report, err := r.all(ctx, show, o.Problems, m.Device().Caps())
	if err != nil {
		return err
	}
	report.Seconds = time.Since(start).Seconds()
	if o.JSON {
		return cli.JSON(s.Out, report)
	}
	show.end(report)
	return nil
}

// demoReport is everything that one demo measured, as --json prints it.
type demoReport struct {
	Device     string `json:"device"`
	Driver     string `json:"driver"`
	Software   bool   `json:"software"` // the device is a driver that computes on the CPU
	Parameters int64  `json:"parameters"`
	Config     string `json:"config"`
	Bytes      uint64 `json:"weight_bytes"`
	Seed       uint64 `json:"seed"`

	Problem  demoProblem  `json:"problem"`
	Answers  []demoAnswer `json:"answers"` // to it, by depth
	Inside   []insideStep `json:"inside"`  // of its question, by core step
	Accuracy accuracy     `json:"accuracy"`

	PromptTokens int     `json:"prompt_tokens"`
	Tokens       int     `json:"tokens"`     // said
	CoreSteps    int     `json:"core_steps"` // of all tokens, prompts included
	Seconds      float64 `json:"seconds"`    // pauses for the eye included

	problem demo.Problem
}

// demoProblem is the problem answered in public.
type demoProblem struct {
	Text  string `json:"text"`
	Hops  int    `json:"hops"`
	Chain string `json:"chain"` // what the name asked for stands for, definition by definition
}

// shownProblem draws until a problem is of a good size to look at: about one in four is.
func shownProblem(rng *rand.Rand) (demo.Problem, error) {
	for {
		p, err := demo.Draw(rng, demoHops)
		if n := len(p.Definitions); err != nil || n >= demoMinNames && n <= demoMaxNames {
			return p, err
		}
	}
}

// all runs the parts of the demo in order and shows each as it is measured.
func (r *demoRun) all(ctx context.Context, show *demoScreen, problems int, caps vk.Caps) (*demoReport, error) {
	rng := demo.Rand(r.seed)
	p, err := shownProblem(rng)
	if err != nil {
		return nil, err
	}
	rep := &demoReport{
		Device: caps.Name, Driver: caps.Driver, Software: caps.IsCPU(), Parameters: r.m.Config.Params(),
		Config: fmt.Sprint(r.m.Config), Bytes: r.m.WeightBytes(), Seed: r.seed,
		Problem: demoProblem{Text: p.Text(), Hops: p.Hops, Chain: string(p.Chain)}, problem: p,
	}
	show.header(rep)
	rep.Answers, err = r.depths(ctx, p, func(threads []*thread, round int, last bool) error { return show.columns(ctx, threads, round, last) })
	show.canvas.Release()
	if err != nil {
		return nil, err
	}
	show.answered(rep)
	if rep.Inside, err = r.inside(ctx, p); err != nil {
		return nil, err
	}
	show.insideTable(rep)
	bar := cli.NewProgress(show.s, fmt.Sprintf(indent+"measuring %d problems of each length at %d depths", problems, len(demoDepths)), int64(problems*(demoMaxHops+1)*len(demoDepths)), false)
	bar.Tell()
	rep.Accuracy, err = r.accuracy(ctx, rng, problems, bar.Add)
	bar.Done()
	if err != nil {
		return nil, err
	}
	show.accuracyTables(rep)
	rep.PromptTokens, rep.Tokens, rep.CoreSteps = r.promptTokens, r.tokens, r.coreSteps
	return rep, nil
}
