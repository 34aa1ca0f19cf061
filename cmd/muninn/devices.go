package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/fit"
	"muninn/shaders"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
)

type devicesOptions struct {
	deviceOptions
	JSON, Verbose bool
}

func (o *devicesOptions) addFlags(fs *pflag.FlagSet) {
	o.deviceOptions.addFlags(fs)
	fs.BoolVar(&o.JSON, "json", false, "print a JSON array with all that is known of each device")
	fs.BoolVarP(&o.Verbose, "verbose", "v", false, "print what is chosen for each device, and why")
}

func devicesCommand() *cli.Command {
	o := &devicesOptions{}
	return &cli.Command{
		Name:    "devices",
		Summary: "list the Vulkan devices and mark the one that is used",
		Detail: `A star marks the device that other commands use with the same --device or MUNINN_DEVICE. MEMORY is what a
model can be put into and FREE what the driver says is left of it; SHARD is the largest piece a tensor is cut into.
KERNELS is what the self-test at the first start found: right, choices that were taken away (2 off), wrong, or not yet.`,
		Examples: []string{"muninn devices", "muninn devices -v", "muninn devices --device llvmpipe", "muninn devices --json"},
		Flags:    o.addFlags,
		Run: func(_ context.Context, s *cli.Streams, _ []string) error {
			list, err := vk.Devices()
			if err != nil {
				return err
			}
			for i, c := range list {
				list[i] = fit.WithHost(c)
			}
			if err := printDevices(s, o, list); err != nil || !o.Verbose || o.JSON {
				return err
			}
			for _, c := range list {
				if c.Supported() == nil {
					if err := printChoices(s, c, o.opening(s)); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

// listedDevice is a device as --json shows it.
type listedDevice struct {
	vk.Caps
	ShardLimit uint64           `json:"shard_limit"`
	Chosen     bool             `json:"chosen"`
	Problem    string           `json:"problem,omitempty"` // why it cannot be used
	Quirks     []vk.Quirk       `json:"quirks,omitempty"`
	SelfTest   selftest.Verdict `json:"self_test"`
	Tuned      []tune.Result    `json:"tuned,omitempty"` // by earlier starts, the newest first
}

func printDevices(s *cli.Streams, o *devicesOptions, list []vk.Caps) error {
	chosen, err := o.choose(list)
	switch name := s.Variable("device"); {
	case err != nil && name == "":
		return err
	case err != nil: // the list is what helps to mend the variable
		chosen.Index = -1
		s.Note("%s=%s names none of them, or several", name, o.Device)
	}
	opening := o.opening(s)
	if o.JSON {
		all := make([]listedDevice, len(list))
		for i, c := range list {
			all[i] = listedDevice{Caps: c, ShardLimit: c.ShardLimit(), Chosen: i == chosen.Index, Quirks: c.Quirks(), SelfTest: opening.Verdict(c), Tuned: opening.Tuned(c)}
			if err := c.Supported(); err != nil {
				all[i].Problem = err.Error()
			}
		}
		return cli.JSON(s.Out, all)
	}
	t := cli.NewTable(s, s.Out, "", "NAME", "TYPE", "DRIVER", "VULKAN", "MEMORY", "FREE", "SUBGROUP", "STORAGE", "SHARD", "KERNELS")
	for i, c := range list {
		mark := " "
		if i == chosen.Index {
			mark = "*"
		}
		memory, free := deviceMemory(c)
		version := fmt.Sprintf("%d.%d.%d", c.APIVersion[0], c.APIVersion[1], c.APIVersion[2])
		t.Row(mark+strconv.Itoa(c.Index), c.Name, c.Type, c.Driver, version, memory, free, subgroups(c), storage(c), cli.Size(c.ShardLimit()), opening.Verdict(c).Word())
	}
	t.Print()
	for _, c := range list {
		if err := c.Supported(); err != nil {
			s.Note("%v", err)
		}
	}
	return nil
}

// printChoices opens a device and lists what depends on it, and what earlier starts have found.
func printChoices(s *cli.Streams, c vk.Caps, opening model.Options) error {
	found := opening.Verdict(c)
	dev, err := vk.Open(vk.Options{Device: fmt.Sprint(c.Index)})
	if err != nil {
		return err
	}
	defer dev.Close()
	kernels, err := shaders.New(dev, shaders.Options{Off: found.Off})
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Out)
	t := cli.NewTable(s, s.Out, "ON "+c.Name, "CHOICE", "WHY")
	for _, choice := range kernels.Settings() {
		t.Row(choice.Name, choice.Value, choice.Why)
	}
	t.Print()
	for _, r := range opening.Tuned(c) {
		fmt.Fprintf(s.Out, "\nMEASURED (%v, %.1f s)\n", r.Level, r.Took.Seconds())
		printTuned(s, r, false)
	}
	if len(found.Kernels) == 0 {
		return nil
	}
	fmt.Fprintln(s.Out)
	t = cli.NewTable(s, s.Out, "KERNEL", "FOUND")
	for _, name := range slices.Sorted(maps.Keys(found.Kernels)) {
		t.Row(name, cmp.Or(found.Kernels[name], "right"))
	}
	t.Print()
	return nil
}

// deviceMemory is the memory that plans are made for, and what is left of it as far as the driver says.
func deviceMemory(c vk.Caps) (total, free string) {
	space, err := fit.SpaceOf(c)
	switch {
	case err != nil:
		return "none", "none"
	case !space.FromBudget:
		return cli.Size(space.Size), "unknown"
	}
	return cli.Size(space.Size), cli.Size(space.Free)
}

// subgroups is the range of subgroup sizes; a size in the range can be required where a + follows.
func subgroups(c vk.Caps) string {
	text := fmt.Sprint(c.SubgroupSize)
	if c.SubgroupMin != c.SubgroupMax {
		text = fmt.Sprintf("%d-%d", c.SubgroupMin, c.SubgroupMax)
	}
	if c.SubgroupSizeControl {
		text += "+"
	}
	return text
}

// storage names the element types below 32 bits that kernels may keep in buffers or compute with.
func storage(c vk.Caps) string {
	var has []string
	for _, f := range []struct {
		yes  bool
		name string
	}{{c.Storage16, "16bit"}, {c.Storage8, "8bit"}, {c.Float16, "fp16"}, {c.Int8, "int8"}, {c.IntegerDotAccelerated || c.IntegerDotMixed, "dot8"}, {len(c.Matrices) > 0, "matrix"}} {
		if f.yes {
			has = append(has, f.name)
		}
	}
	if len(has) == 0 {
		return "32bit"
	}
	return strings.Join(has, ",")
}

// deviceOptions choose a device.
type deviceOptions struct {
	Device     string
	NoSelfTest bool
	Tune       string
}

func (o *deviceOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Device, "device", "", "index, part of the name, or type (discrete, integrated, virtual, cpu) of the `device`; the best one if not given")
	cli.Offer(fs, "device", "discrete", "integrated", "virtual", "cpu")
}

// addProven adds the flags of what computes on the device.
func (o *deviceOptions) addProven(fs *pflag.FlagSet) {
	o.addFlags(fs)
	fs.BoolVar(&o.NoSelfTest, "no-self-test", false, "do not test the device's kernels at the first start with a driver; one that computes wrongly then gives nonsense without any error")
	cli.ChoiceVar(fs, &o.Tune, "tune", tune.Auto.String(), tune.Names(), "how much to measure at a model's first start with a driver: off follows the rules; "+
		"quick takes seconds; full ten times as long; auto is quick on a GPU, and uses only earlier measurements on a CPU")
}

// choose finds the device that was asked for, or the best one.
func (o *deviceOptions) choose(list []vk.Caps) (vk.Choice, error) {
	choice, err := vk.Select(list, o.Device)
	return choice, o.named(err)
}

// named says in an error about the choice where that was made.
func (o *deviceOptions) named(err error) error {
	if o.Device == "" || !errors.Is(err, vk.ErrNoDevice) {
		return err
	}
	return fmt.Errorf("--device %s: %w", o.Device, err)
}

// opening are the options of what is opened on the device, as far as the shell has them.
func (o *deviceOptions) opening(s *cli.Streams) model.Options {
	dir, _ := s.Env("MUNINN_CACHE_DIR")
	return model.Options{Device: o.Device, CacheDir: dir, Note: func(text string) { s.Note("%s", text) }, NoSelfTest: o.NoSelfTest,
		Tune: o.tuneLevel(), Tuning: tuningBar(s),
		SelfTest: selftest.Child(func(ctx context.Context) *exec.Cmd { return checkJob(ctx, dir) }, selftest.Patience),
		Testing:  testingBar(s),
		Progress: func(what string, total int64) (func(done, total int64), func()) {
			bar := cli.NewProgress(s, what, total, true)
			return bar.Set, bar.Done
		}}
}

// testingBar shows how far a self-test is.
func testingBar(s *cli.Streams) func(done, total int) {
	return bar(s, "testing this device's kernels, once for this driver")
}

// bar shows how far something is that happens once, and is told of 0 of 0 in the end.
func bar(s *cli.Streams, what string) func(done, total int) {
	var bar *cli.Progress
	return func(done, total int) {
		if bar == nil && total > 0 {
			bar = cli.NewProgress(s, what, int64(total), false)
			bar.Tell()
		}
		if bar.Set(int64(done), 0); total == 0 {
			bar.Done()
		}
	}
}

// openDevice opens the device that was asked for, or the best one, and says which and why. Closing it is the caller's.
func openDevice(s *cli.Streams, o deviceOptions) (*vk.Device, error) {
	dev, err := model.OpenDevice(o.opening(s))
	return dev, o.named(err)
}
