package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/model/fit"
	"muninn/shaders"
	"muninn/shaders/roofline"
	"muninn/shaders/tune"
	"muninn/vk"
)

type tuneOptions struct {
	deviceOptions
	hubOptions
	schemeOptions
	Shape       string
	Activations string
	JSON        bool
}

func (o *tuneOptions) addFlags(fs *pflag.FlagSet) {
	o.addProven(fs)
	fs.StringVar(&o.Shape, "shape", "", "a `shape` instead of a model, as in \"muninn bench\"")
	o.hubOptions.addFlags(fs)
	o.schemeOptions.addFlags(fs, "auto")
	cli.ChoiceVar(fs, &o.Activations, "activations", "auto", shaders.ActivationNames(), `as in "muninn run"`)
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object")
	fs.Lookup("tune").DefValue = tune.Full.String()
	fs.Lookup("tune").Usage = "how much to measure: quick or full; auto is full here, and off measures nothing"
}

func tuneCommand() *cli.Command {
	o := &tuneOptions{}
	seconds := func(l tune.Level, device string) float64 { return l.Limit(vk.Caps{Type: device}).Seconds() }
	return &cli.Command{
		Name: "tune", Args: "[MODEL]", Max: 1,
		Summary: "measure how a device's kernels are best taken for a model",
		Detail: fmt.Sprintf(`MODEL is what "muninn run" takes; its weights are not loaded. tune times each kind of matrix product in a token, its
norms and its attention with the device's own clock, on memory of its real size. It compares other ways to divide the
product among the device's lanes with the rule's. It keeps a way that is clearly faster and passes the self-test, for
these matrices, kernels and driver; later starts use it.

Without this command, the first start of a model on a GPU measures for %.0f seconds at most, %.0f on an integrated one
(--tune quick); this command takes up to %.0f times as long. A CPU device is measured only by this command or with
--tune quick or full: %.0f seconds at most in quick, %.0f minutes in full. Models of fewer than 8 Mi parameters, such as
the demo, go by rule.

ROW is the time of a product with one row, by the rule. TIME is the chosen way's time over the rule's, decoding and
prompt together. A choice such as "16x8 in 4 of 8 groups, depth 1" means: 16 weight rows by 8 rows of activations a
workgroup, in 4 sets side by side, 8 subgroups, 1 load of 16 bytes ahead.

How many lanes share a row's sum, the subgroup size, int8 activations, matrix units and the positions that attention
takes at a time change how results are rounded: the same seed gives the same text on the same device, driver and tuning.`, seconds(tune.Quick, "discrete"), seconds(tune.Quick, "integrated"), seconds(tune.Full, "discrete")/seconds(tune.Quick, "discrete"),
			seconds(tune.Quick, "cpu"), seconds(tune.Full, "cpu")/60),
		Examples: []string{"muninn tune ~/huginn-0125 --quant q4_0", "muninn tune --shape huginn --quant q4_0 --tune quick --json"},
		Flags:    o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return runTune(ctx, s, o, strings.Join(args, ""))
		},
	}
}

// tuned is a result as --json shows it.
type tuned struct {
	Device string `json:"device"`
	Model  string `json:"model"`
	tune.Result
}

func runTune(ctx context.Context, s *cli.Streams, o *tuneOptions, name string) (err error) {
	if (name == "") == (o.Shape == "") {
		return cli.Usage("name a MODEL, or a shape with --shape")
	}
	opening := o.opening(s)
	opening.Retune = true
	if opening.Tune == tune.Auto {
		opening.Tune = tune.Full
	}
	if opening.Kernels.Activations, err = shaders.ParseActivations(o.Activations); err != nil {
		return cli.AsUsage(err)
	}
	if opening.Weights, err = o.scheme(); err != nil {
		return err
	}
	var ck *checkpoint.Checkpoint
	shape, stored := arch.Shape{}, engine.RandomStored
	if name == "" {
		if shape, err = arch.ParseShape(o.Shape); err == nil {
			err = engine.CheckShape(shape.Config)
		}
		if err != nil {
			return cli.Usage("--%s", strings.TrimPrefix(err.Error(), "model: "))
		}
	} else {
		if ck, err = openModel(ctx, s, o.hubOptions, name); err != nil {
			return err
		}
		defer ck.Close()
		shape, stored = arch.Shape{Name: name, Config: ck.Config}, ck.Stored
	}
	dev, err := model.OpenDevice(opening)
	if err != nil {
		return o.named(err)
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	opening.Kernels.Small = model.Small(shape.Config)
	kv := shaders.KVF32
	if ck != nil {
		choice, err := opening.Choose(ck, fit.WithHost(dev.Caps()))
		if err != nil {
			return err
		}
		opening.Weights, kv = opening.Weights.With(choice.Quant), choice.KV
	}
	if _, err := roofline.Calibrate(ctx, dev); ctx.Err() != nil || errors.Is(err, vk.ErrDeviceLost) {
		return err
	}
	_, r, err := opening.Prepare(ctx, dev, shape.Config, weights.DeviceFormats(opening.Weights, shape.Config, stored), model.SessionOptions{KV: kv})
	if err != nil {
		return err
	}
	if o.JSON {
		return cli.JSON(s.Out, tuned{describe(dev.Caps()), shape.Name, r})
	}
	printTuned(s, r, true)
	return nil
}

// printTuned prints what was chosen; with trials, what else was measured.
func printTuned(s *cli.Streams, r tune.Result, trials bool) {
	t := cli.NewTable(s, s.Out, "PRODUCT", "SHARE", "ROW", "RULE", "CHOICE", "TIME")
	for _, c := range r.Choices {
		rule, chosen := tune.Form(c.Rule), tune.Form(c.GEMV)
		if c.Rule == (shaders.GEMV{}) {
			rule, chosen = "", ""
		}
		t.Row(tune.Named(c.Product), fmt.Sprintf("%.0f %%", 100*c.Share), fmt.Sprintf("%.3f ms", 1e3*c.OneRow), rule, chosen, fmt.Sprintf("%.2f", c.Ratio))
	}
	if t.Len() > 0 {
		t.Print()
	}
	if trials {
		printTrials(s, r)
	}
	for _, set := range r.Measured.Settings {
		fmt.Fprintf(s.Out, "%s: %s (%s)\n", set.Name, set.Value, set.Why)
	}
	if r.Why != "" {
		fmt.Fprintf(s.Out, "by rule: %s\n", r.Why)
	} else {
		fmt.Fprintf(s.Out, "all products: %.2f of the rules' time\n", r.Ratio)
	}
}

func printTrials(s *cli.Streams, r tune.Result) {
	t := cli.NewTable(s, s.Out, "TRIED", "FOR", "TIME")
	list := func(of string, trials []tune.Trial) {
		for _, tr := range trials {
			time := fmt.Sprintf("%.2f", tr.Ratio)
			if tr.Ratio == 0 {
				time = "far behind"
			}
			t.Row(tr.Name, of, time)
		}
	}
	list("the device", r.Settings)
	for _, c := range r.Choices {
		list(tune.Named(c.Product), c.Trials)
	}
	if t.Len() > 0 {
		fmt.Fprintln(s.Out)
		t.Print()
		fmt.Fprintln(s.Out)
	}
}

// saidTuned is a result in a line.
func saidTuned(r tune.Result) string {
	if list := r.Said(); len(list) > 0 {
		return "measured: " + strings.Join(list, "; ")
	}
	return "by rule"
}

// tuneLevel is what --tune asks for.
func (o *deviceOptions) tuneLevel() tune.Level {
	return tune.Level(max(slices.Index(tune.Names(), o.Tune), 0))
}

// tuningBar shows how far measuring is.
func tuningBar(s *cli.Streams) func(done, total int) {
	return bar(s, "measuring how this device does best, once for this model and driver")
}
