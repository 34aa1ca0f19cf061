package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/fit"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/recorded"
)

// asked tells whether a plan is wanted instead of a run.
func (o *fitOptions) asked() bool { return o.Plan || o.PlanFor != "" }

// printPlan prints the plan of a model and one session on the device that was asked for.
func (o *fitOptions) printPlan(s *cli.Streams, ck *checkpoint.Checkpoint, device deviceOptions, scheme checkpoint.Scheme, session engine.SessionOptions, asJSON bool) error {
	caps, err := o.planned(device)
	if err != nil {
		return err
	}
	m := fit.Of(ck, scheme)
	choice, err := model.Options{Weights: scheme, Session: session, Fit: o.wish(session, 0)}.Choose(ck, caps)
	if err != nil {
		return err
	}
	if asJSON {
		return planJSON(s, m, caps, choice)
	}
	planTable(s, ck.Config, caps, choice)
	return nil
}

// planned is the device to plan for: one of this machine's, a card of some size, or a recorded GPU.
func (o *fitOptions) planned(device deviceOptions) (vk.Caps, error) {
	if o.PlanFor != "" {
		n, ok, err := parseSize(o.PlanFor)
		if ok || err != nil {
			return fit.Card(n), err
		}
		c, err := recorded.Find(o.PlanFor)
		if err != nil {
			return c, cli.Usage("--plan-for %s: neither a size such as 6GiB nor one recorded GPU; those are %s", o.PlanFor, strings.Join(cli.Each(recorded.Devices(), func(c vk.Caps) string { return c.Name }), ", "))
		}
		return c, nil
	}
	list, err := vk.Devices()
	if err != nil {
		return vk.Caps{}, err
	}
	choice, err := device.choose(list)
	if err != nil {
		return vk.Caps{}, err
	}
	caps := list[choice.Index]
	return fit.WithHost(caps), caps.Supported()
}

// maxBare is the largest number that is a size in GiB when it stands alone; larger ones are in the names of GPUs.
const maxBare = 512

// sizeUnits are what a size may end in.
var sizeUnits = []struct {
	name  string
	bytes float64
}{{"gib", 1 << 30}, {"mib", 1 << 20}, {"gb", 1e9}, {"mb", 1e6}, {"g", 1 << 30}, {"m", 1 << 20}, {"", 1 << 30}}

// parseSize reads a size such as 6GiB, 5.5 GB or 6, which is in GiB. What is no number and unit is no size; ok tells.
func parseSize(text string) (n uint64, ok bool, err error) {
	t := strings.ToLower(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		number, found := strings.CutSuffix(t, u.name)
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !found || err != nil || math.IsNaN(v) || u.name == "" && math.Abs(v) > maxBare {
			continue
		}
		if v *= u.bytes; v < 1<<20 || v > 1<<50 {
			return 0, false, cli.Usage("--plan-for %s: want a size from 1MiB to 1048576GiB", text)
		}
		return uint64(v), true, nil
	}
	return 0, false, nil
}

// planTable prints a plan for people.
func planTable(s *cli.Streams, c arch.Config, caps vk.Caps, choice fit.Choice) {
	p, space := choice.Plan, choice.Space
	fmt.Fprintf(s.Out, "%v on %s\n%s\n\n", c, caps.Name, choice.Why)
	t := cli.NewTable(s, s.Out)
	for _, l := range p.Lines {
		t.Row(l.Group, l.Part, fit.Size(l.Bytes))
	}
	t.Row("rounding", "ends of blocks", fit.Size(p.Rounding))
	t.Row("total", "on the device", fit.Size(p.Device))
	for _, i := range caps.HeapsOf(vk.DeviceLocal) {
		if p.Heaps[i] == 0 || p.Heaps[i] == p.Device {
			continue
		}
		whose := "the host's"
		if caps.Heaps[i].DeviceLocal {
			whose = "its own"
		}
		t.Row("", fmt.Sprintf("heap %d, %s", i, whose), fit.Size(p.Heaps[i]))
	}
	t.Row("reserve", "left to the driver", fit.Size(space.Reserve))
	t.Row("free", freeSource(space), fit.Size(space.Free))
	t.Row("host", "staging", fit.Size(p.Host))
	t.Print()
}

// freeSource says where the figure of the free memory is from.
func freeSource(s fit.Space) string {
	if s.FromBudget {
		return "of " + fit.Size(s.Size) + ", by the driver"
	}
	return fmt.Sprintf("%.0f %% of %s", 100*float64(s.Free)/float64(s.Size), fit.Size(s.Size))
}

// planObject is a plan as --json prints it. Sizes are in bytes.
type planObject struct {
	Device  string `json:"device"`
	Quant   string `json:"quant"`
	Lookup  string `json:"cache_lookup_strategy"`
	KV      string `json:"kv_type"`
	Context int    `json:"context"`
	Steps   int    `json:"num_steps"`
	engine.MemoryPlan
	Memory fit.Space `json:"memory"`
	Fits   bool      `json:"fits"`
	Why    string    `json:"why"`
}

func planJSON(s *cli.Streams, m fit.Model, caps vk.Caps, c fit.Choice) error {
	return cli.JSON(s.Out, planObject{
		Device: caps.Name, Quant: m.QuantName(c.Quant), Lookup: c.Lookup.String(), KV: c.KV.String(), Context: c.Context, Steps: c.Steps,
		MemoryPlan: c.Plan, Memory: c.Space, Fits: c.Plan.Short == 0, Why: c.Why,
	})
}

// fitOptions are the flags by which a verb makes a model fit its device.
type fitOptions struct {
	NoFit   bool
	Plan    bool
	PlanFor string
	KVType  string // auto or a KV type

	fit       bool
	fixLookup bool                   // the KV rule is not to be chosen
	set       func(flag string) bool // whether the user gave a flag, on the command line or in the environment
}

func (o *fitOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.fit, "fit", true, "the opposite of --no-fit")
	fs.BoolVar(&o.NoFit, "no-fit", false, "choose nothing to fit the device's memory: --quant, --cache-lookup-strategy, --kv-type and --ctx that are not set keep their defaults")
	fs.BoolVar(&o.Plan, "plan", false, "print what memory the model takes on the device, part by part, and exit; nothing is loaded, and a folder with config.json alone is enough")
	fs.StringVar(&o.PlanFor, "plan-for", "", "as --plan, for a `card` of a size such as 6GiB (a number alone is GiB), or for a GPU whose recorded limits have this in their name")
	cli.Offer(fs, "plan-for", "4GiB", "6GiB", "8GiB", "12GiB", "16GiB", "24GiB")
	cli.ChoiceVar(fs, &o.KVType, "kv-type", "auto", []string{"auto", "f32", "f16", "q8"}, "how the KV cache is stored; auto: f16, or q8 where the device holds no more")
	fs.Lookup("fit").Hidden = true // --no-fit is its opposite
	o.set = fs.Changed
}

// kvType is the KV type asked for, half precision when that is left open.
func (o *fitOptions) kvType() (shaders.KVType, error) {
	if o.KVType == "auto" {
		return shaders.KVF16, nil
	}
	return shaders.ParseKVType(o.KVType)
}

// wish puts down what the user fixed. The session has the context wanted; prompt is the number of tokens it must hold.
func (o *fitOptions) wish(session engine.SessionOptions, prompt int) model.Fit {
	return model.Fit{
		Off: o.NoFit || !o.fit, FixContext: o.set("ctx"), FixKV: o.KVType != "auto",
		FixLookup: o.fixLookup || o.set("cache-lookup-strategy"), Least: min(prompt+1, session.Context),
	}
}
