package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/fit"
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
	m, w, choose := fitModel(ck, scheme), o.wish(scheme, session, 0), fit.Choose
	if o.NoFit || !o.fit {
		choose = fit.Given
	}
	choice, err := choose(m, caps, w, loads())
	if err != nil {
		return err
	}
	if asJSON {
		return planJSON(s, m, caps, choice)
	}
	return planTable(s, ck.Config, caps, choice)
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
			return c, cli.Usage("--plan-for %s: neither a size such as 6GiB nor one recorded GPU; those are %s", o.PlanFor, strings.Join(recordedNames(), ", "))
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
	return withHostMemory(caps), caps.Supported()
}

func recordedNames() (names []string) {
	for _, c := range recorded.Devices() {
		names = append(names, c.Name)
	}
	return names
}

// sizeUnits are what a size may end in.
var sizeUnits = []struct {
	name  string
	bytes float64
}{{"gib", 1 << 30}, {"mib", 1 << 20}, {"gb", 1e9}, {"mb", 1e6}, {"g", 1 << 30}, {"m", 1 << 20}}

// parseSize reads a size such as 6GiB or 5.5 GB. What is no number and unit is no size; ok tells.
func parseSize(text string) (n uint64, ok bool, err error) {
	t := strings.ToLower(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		number, found := strings.CutSuffix(t, u.name)
		if !found {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(v) {
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
func planTable(s *cli.Streams, c arch.Config, caps vk.Caps, choice fit.Choice) error {
	p, space := choice.Plan, choice.Space
	t := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(s.Out, "%v on %s\n%s\n\n", c, caps.Name, choice.Why)
	for _, l := range p.Lines {
		fmt.Fprintf(t, "%s\t%s\t%s\n", l.Group, l.Part, fit.Size(l.Bytes))
	}
	fmt.Fprintf(t, "rounding\tends of blocks\t%s\n", fit.Size(p.Rounding))
	fmt.Fprintf(t, "total\ton the device\t%s\n", fit.Size(p.Device))
	fmt.Fprintf(t, "reserve\tleft to the driver\t%s\n", fit.Size(space.Reserve))
	fmt.Fprintf(t, "free\t%s\t%s\n", freeSource(space), fit.Size(space.Free))
	fmt.Fprintf(t, "host\tstaging\t%s of %s\n", fit.Size(p.Host), fit.Size(space.Host))
	return t.Flush()
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
	Device   string              `json:"device"`
	Quant    string              `json:"quant"`
	Lookup   string              `json:"cache_lookup_strategy"`
	KV       string              `json:"kv_type"`
	Context  int                 `json:"context"`
	Steps    int                 `json:"num_steps"`
	Lines    []engine.MemoryLine `json:"lines"`
	Rounding uint64              `json:"rounding"`
	Total    uint64              `json:"total"`
	Host     uint64              `json:"host"`
	Memory   fit.Space           `json:"memory"`
	Fits     bool                `json:"fits"`
	Why      string              `json:"why"`
}

func planJSON(s *cli.Streams, m fit.Model, caps vk.Caps, c fit.Choice) error {
	e := json.NewEncoder(s.Out)
	e.SetIndent("", "  ")
	return e.Encode(planObject{
		Device: caps.Name, Quant: m.QuantName(c.Quant), Lookup: c.Lookup.String(), KV: c.KV.String(), Context: c.Context, Steps: c.Steps,
		Lines: c.Plan.Lines, Rounding: c.Plan.Rounding, Total: c.Plan.Device, Host: c.Plan.Host, Memory: c.Space,
		Fits: c.Plan.Short == 0, Why: c.Why,
	})
}
