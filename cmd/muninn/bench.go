package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/bench"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/model/store"
	"muninn/shaders/roofline"
	"muninn/shaders/tune"
	"muninn/vk"
)

type benchOptions struct {
	Model string
	Shape string
	deviceOptions
	hubOptions

	Prompts string
	Tokens  string
	Steps   string
	Rows    string
	Quants  string
	Keep    string
	Reps    int
	Output  string
	Profile bool
	Report  string

	set func(flag string) bool // whether the user gave a flag
}

func (o *benchOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Shape, "shape", "", "random weights of a `shape` instead of a model: "+arch.ShapeNames()+", a config.json, or "+arch.ShapeForm)
	cli.Offer(fs, "shape", strings.Split(arch.ShapeNames(), ", ")...)
	fs.StringVarP(&o.Prompts, "prompt", "p", "64,512", "`lengths` of prompts to read; 0: none")
	fs.StringVarP(&o.Tokens, "tokens", "n", "32", "`numbers` of tokens to generate, from an empty cache; 0: none")
	fs.StringVarP(&o.Steps, "num-steps", "r", "", "core `steps` of each token")
	fs.Lookup("num-steps").DefValue = "the model's mean_recurrence, or the shape's"
	fs.StringVar(&o.Rows, "rows", "", "also time one core step of so many `rows`, and what it costs against the first of them")
	fs.StringVar(&o.Quants, "quant", "auto", "`formats` of the weights, one after another: "+strings.Join(checkpoint.QuantNames(), ", "))
	cli.Offer(fs, "quant", checkpoint.QuantNames()...)
	fs.StringVar(&o.Keep, "keep", "", "`parts` in a format of their own, as in \"muninn run\"")
	fs.IntVar(&o.Reps, "reps", 5, "repetitions, after a first one that is reported apart")
	cli.ChoiceVarP(fs, &o.Output, "output", "o", benchFormats()[0], benchFormats(), "form of the results")
	o.hubOptions.addFlags(fs)
	fs.Lookup("output").DefValue = "text on a terminal, elsewhere md"
	fs.BoolVar(&o.Profile, "profile", false, "print the device time of each kernel of one more token to standard error")
	fs.StringVar(&o.Report, "report", "", "also write a Markdown table to a `file`: each rate of decoding, and the predicted one for known cards; its name must end in .md")
	o.addProven(fs)
	o.set = fs.Changed
}

func benchCommand() *cli.Command {
	o := &benchOptions{}
	return &cli.Command{
		Name: "bench", Args: "[MODEL]", Max: 1,
		Summary: "measure speed, and how near it comes to what the device can do",
		Detail: `MODEL is what "muninn run" takes; with --shape, weights are random and no file is needed. Shapes:

` + shapesHelp() + `

Each line is a test: pp64 reads a prompt of 64 tokens, tg32 generates 32, rows8 takes 8 rows through one core step.
t/s is tokens per second, mean and standard deviation, then median, least and most; of rows, row steps per second.
cost is the time of a core step against that of the first number in --rows. GB/s counts each pass over the weights,
GFLOP/s their products, neither counts attention. read and fma are the shares of the device's roof, which is measured
first: what kernels that do nothing else read from storage buffers, and what they multiply and add. "first s" is the
first run, with all that is compiled.

Where the device is the CPU, "cpu ms" is the CPU time of a token on each core, and GB/s, GFLOP/s, the shares and cost
go by it: other programs disturb it least. On a GPU they go by the clock on the wall.

For some cards, what a token should take is predicted; --report and -o json put the prediction
beside what was measured.`,
		Examples: []string{
			"muninn bench --shape huginn --quant q4_0 -p 0 -n 32 --report row.md",
			"muninn bench demo -p 64 -n 32 -r 8,32",
			"muninn bench --shape huginn-core --quant q8_0,q4_0 -p 0 -n 8 --rows 1,2,4,8,16,32,64",
			"muninn bench ~/huginn-0125 --quant q4_0 -o csv > q4.csv",
		},
		Flags: o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			if len(args) > 0 {
				o.Model = args[0]
			}
			return runBench(ctx, s, o)
		},
	}
}

// benchPlan is what is measured, checked before a device is opened.
type benchPlan struct {
	shape   arch.Shape // without --shape, of the model
	schemes []checkpoint.Scheme
	bench.Counts
}

func (o *benchOptions) plan(ck *checkpoint.Checkpoint) (p benchPlan, err error) {
	switch {
	case o.Model == "" && o.Shape == "":
		return p, cli.Usage("nothing to measure: name a MODEL, or a shape of random weights with --shape")
	case o.Model != "" && o.Shape != "":
		return p, cli.Usage("MODEL and --shape: give one of them")
	case o.Reps < 1:
		return p, cli.Usage("--reps %d: want at least 1", o.Reps)
	case ck != nil:
		p.shape = arch.Shape{Name: store.Name(o.Model), Config: ck.Config, Steps: ck.Config.MeanRecurrence}
	default:
		if p.shape, err = arch.ParseShape(o.Shape); err == nil {
			err = engine.CheckShape(p.shape.Config)
		}
		if err != nil {
			return p, cli.Usage("--%s", strings.TrimPrefix(err.Error(), "model: "))
		}
	}
	context := p.shape.Config.BlockSize
	if !o.set("prompt") && context < 512 {
		o.Prompts = strconv.Itoa(min(64, context))
	}
	p.Prompts, err = parseCounts("--prompt", o.Prompts, 1, context)
	for _, l := range []struct {
		to          *[]int
		flag, text  string
		least, most int
	}{
		{&p.Tokens, "--tokens", o.Tokens, 1, context}, {&p.Steps, "--num-steps", o.Steps, 0, maxSteps}, {&p.Rows, "--rows", o.Rows, 1, min(context, maxBenchRows)},
	} {
		if err == nil {
			*l.to, err = parseCounts(l.flag, l.text, l.least, l.most)
		}
	}
	if err == nil && len(p.Prompts)+len(p.Tokens)+len(p.Rows) == 0 {
		err = cli.Usage("nothing to measure: -p, -n and --rows are all empty")
	}
	if len(p.Steps) == 0 {
		p.Steps = []int{p.shape.Steps}
	}
	for name := range strings.SplitSeq(o.Quants, ",") {
		if err != nil {
			return p, err
		}
		var scheme checkpoint.Scheme
		scheme, err = (&schemeOptions{strings.TrimSpace(name), o.Keep}).scheme()
		p.schemes = append(p.schemes, scheme)
	}
	return p, err
}

// maxBenchRows is what a pass takes on any device.
const maxBenchRows = 128

func runBench(ctx context.Context, s *cli.Streams, o *benchOptions) (err error) {
	var ck *checkpoint.Checkpoint
	if o.Model != "" {
		if ck, err = openModel(ctx, s, o.hubOptions, o.Model); err != nil {
			return err
		}
		defer ck.Close()
	}
	p, err := o.plan(ck)
	if err != nil {
		return err
	}
	report, err := createBenchReport(o.Report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, report.Close()) }()
	dev, err := openDevice(s, o.deviceOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	s.Note("measuring the device's roof, which takes a few seconds")
	speed, err := roofline.Measure(ctx, dev, roofline.Thorough(dev.Caps()))
	if err != nil {
		return err
	}
	dev.SetSpeed(speed)
	s.Note("roof: reads %.2f GB/s, %.1f GFLOP/s, %v a dispatch", speed.Read/1e9, speed.FMA/1e9, speed.Dispatch)
	if width, _ := s.TerminalSize(s.Out); width > 0 && !o.set("output") {
		o.Output = "text"
	}
	out, err := newBenchWriter(s.Out, o.Output)
	if err != nil {
		return err
	}
	out.report = report
	for _, scheme := range p.schemes {
		if err := o.measureScheme(ctx, s, ck, dev, speed, p, scheme, out); err != nil {
			return err
		}
	}
	return out.close()
}

// measureScheme loads the weights in one format and runs every test on them.
func (o *benchOptions) measureScheme(ctx context.Context, s *cli.Streams, ck *checkpoint.Checkpoint, dev *vk.Device, speed vk.Speed, p benchPlan, scheme checkpoint.Scheme, out *benchWriter) (err error) {
	stored := engine.RandomStored
	if ck != nil {
		stored = ck.Stored
	}
	formats := weights.DeviceFormats(scheme, p.shape.Config, stored)
	opening := o.opening(s)
	load := engine.LoadOptions{Weights: scheme}
	var found tune.Result
	if load.Kernels, found, err = opening.Prepare(ctx, dev, p.shape.Config, formats, engine.SessionOptions{}); err != nil {
		return err
	}
	s.Note("kernels %s", saidTuned(found))
	var m *engine.Model
	if ck != nil {
		set, end := opening.Progress("loading "+o.Model, ck.Size())
		load.Progress = set
		m, err = engine.Load(ck, dev, load)
		end()
	} else {
		s.Note("making %s (%v) in %v", p.shape.Name, p.shape.Config, scheme)
		m, err = engine.Random(p.shape.Config, dev, load)
	}
	if err != nil {
		return err
	}
	defer m.Close()
	b := &bench.Runner{
		Say: s.Note, M: m, Plan: p.Counts, Reps: o.Reps, Speed: speed, Caps: dev.Caps(), Work: engine.WorkOf(m.Config, formats),
		Base: bench.Row{Model: p.shape.Name + " " + strings.ReplaceAll(scheme.String(), ", keep ", " "), Size: m.WeightBytes(), Params: m.Config.Params(),
			Device: describe(dev.Caps()), Name: dev.Caps().Name, Driver: dev.Caps().Driver, Format: formatOf(scheme, p.shape.Config, formats), Tuning: saidTuned(found), Choices: choicesOf(dev, load.Kernels),
			RooflineRead: speed.Read / 1e9, RooflineFMA: speed.FMA / 1e9},
	}
	if err := b.Run(ctx, func(r bench.Row) error { return out.row(predicted(r, p.shape.Config)) }); err != nil {
		return err
	}
	if !o.Profile {
		return nil
	}
	timings, err := b.Profile(ctx)
	if err == nil {
		printProfile(s, timings)
	}
	return err
}

// shapesHelp says what the named shapes are.
func shapesHelp() string {
	return strings.Join(cli.Each(arch.Shapes, func(s arch.Shape) string {
		return fmt.Sprintf("  %-11s  %s; -r %d", s.Name, s.Says, s.Steps)
	}), "\n")
}

// parseCounts reads a list of numbers from least on; an empty one, or 0 alone, is none.
func parseCounts(flag, text string, least, most int) ([]int, error) {
	if text = strings.TrimSpace(text); text == "" || text == "0" && least > 0 {
		return nil, nil
	}
	var list []int
	for item := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < least || n > most {
			return nil, cli.Usage("%s %s: %q: want numbers of %d to %d, separated by commas", flag, text, item, least, most)
		}
		list = append(list, n)
	}
	return list, nil
}
