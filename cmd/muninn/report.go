package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
	"muninn/shaders/roofline"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
)

// deviceReport is what a bug report needs to know about a device: all that check found, and nothing of whose machine it is.
type deviceReport struct {
	Program  build             `json:"program"`
	System   string            `json:"system"`
	Device   vk.Caps           `json:"device"` // without ids of its own
	Quirks   []vk.Quirk        `json:"quirks"`
	Choices  []shaders.Setting `json:"choices"`
	SelfTest selftest.Verdict  `json:"self_test"`       // of earlier starts
	Tuned    []tune.Result     `json:"tuned,omitempty"` // by earlier starts
	Roof     *vk.Speed         `json:"roof"`            // null when it could not be measured
	Kernels  []reportRow       `json:"kernels"`
	Results  int               `json:"results"`
	Wrong    []checkLine       `json:"wrong"`
	Error    string            `json:"error,omitempty"` // what ended the check early
}

// reportRow is all cases of one op that ran with one set of kernels.
type reportRow struct {
	Op     string   `json:"op"`
	Kernel string   `json:"kernel"`
	Cases  int      `json:"cases"`
	Bad    int      `json:"wrong"`
	NMSE   *float64 `json:"nmse"`
	Limit  float64  `json:"limit"`
}

// newReport begins the report of a device, with what can be known before its kernels run.
func newReport(ctx context.Context, s *cli.Streams, o deviceOptions, dev *vk.Device) (*deviceReport, error) {
	kernels, err := shaders.New(dev, shaders.Options{})
	if err != nil {
		return nil, err
	}
	c := dev.Caps()
	r := &deviceReport{Program: thisBuild(), System: system(), Device: c, Quirks: c.Quirks(), Choices: kernels.Settings(), SelfTest: o.opening(s).Verdict(c), Tuned: o.opening(s).Tuned(c), Wrong: []checkLine{}}
	r.Device.UUID, r.Device.DriverUUID, r.Device.CacheUUID = "", "", ""
	s.Note("measuring the device's roof, which takes a few seconds")
	switch speed, err := roofline.Measure(ctx, dev, roofline.Thorough(c)); {
	case err == nil:
		r.Roof = &speed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		s.Note("%v", err)
	}
	return r, nil
}

// system names the operating system as far as it says itself.
func system() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	release, _ := os.ReadFile("/etc/os-release") // other systems have none
	for line := range strings.Lines(string(release)) {
		if pretty, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			name += ", " + strings.Trim(pretty, `"`)
		}
	}
	return name
}

// write ends the report with what check found and writes it.
func (r *deviceReport) write(s *cli.Streams, to *reportFile, found *checkRows, ended error) error {
	found.flush()
	r.Results = len(found.results)
	for _, row := range found.all {
		r.Kernels = append(r.Kernels, reportRow{row.op, row.kernel, row.cases, row.bad, finite(row.nmse), row.limit})
	}
	for _, one := range found.results {
		if one.Err != nil || !one.OK {
			r.Wrong = append(r.Wrong, caseLine(one))
		}
	}
	if ended != nil && !errors.Is(ended, cli.ErrWrongResults) {
		r.Error = ended.Error()
	}
	if err := to.put(to, r); err != nil {
		return err
	}
	s.Note("wrote %s", to.Name())
	return nil
}

// reportFile is where a report goes, made before anything takes time.
type reportFile struct {
	*os.File
	put func(io.Writer, *deviceReport) error
}

func createReport(path string) (r *reportFile, err error) {
	r = &reportFile{}
	switch filepath.Ext(path) {
	case ".json":
		r.put = func(w io.Writer, r *deviceReport) error { return cli.JSON(w, r) }
	case ".md":
		r.put = writeMarkdown
	default:
		return nil, cli.Usage("--report %s: want a name that ends in .json or .md", path)
	}
	r.File, err = os.Create(path)
	return r, err
}

func writeMarkdown(out io.Writer, r *deviceReport) error {
	var w strings.Builder
	c := r.Device
	fmt.Fprintf(&w, "# Kernels on %s\n\n", c.Name)
	verdict := fmt.Sprintf("all %d results right", r.Results)
	if len(r.Wrong) > 0 {
		verdict = fmt.Sprintf("**%d of %d results wrong**", len(r.Wrong), r.Results)
	}
	if r.Error != "" {
		verdict += "; ended early: " + r.Error
	}
	roof := "not measured"
	if r.Roof != nil {
		roof = fmt.Sprintf("reads %.2f GB/s, %.1f GFLOP/s, %v a dispatch", r.Roof.Read/1e9, r.Roof.FMA/1e9, r.Roof.Dispatch)
	}
	for _, line := range [][2]string{
		{"verdict", verdict}, {"program", r.Program.name() + ", " + r.Program.Platform}, {"system", r.System}, {"driver", c.Driver},
		{"device", fmt.Sprintf("%s, vendor %#x, device %#x, Vulkan %d.%d.%d", c.Type, c.VendorID, c.DeviceID, c.APIVersion[0], c.APIVersion[1], c.APIVersion[2])},
		{"roof", roof}, {"self-test", r.SelfTest.Word()}, {"tuning", cmp.Or(strings.Join(cli.Each(r.Tuned, saidTuned), " / "), "not measured")},
	} {
		fmt.Fprintf(&w, "- %s: %s\n", line[0], line[1])
	}
	for _, bad := range r.Wrong[:min(20, len(r.Wrong))] {
		fmt.Fprintf(&w, "- wrong: `%s` in %s/%s: %s\n", bad.Kernel, bad.Op, bad.Case, bad.Detail)
	}
	fmt.Fprint(&w, "\n| choice | value | why |\n| --- | --- | --- |\n")
	for _, s := range r.Choices {
		fmt.Fprintf(&w, "| %s | %s | %s |\n", s.Name, s.Value, s.Why)
	}
	fmt.Fprint(&w, "\n| op | kernel | cases | wrong | nmse | limit |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for _, k := range r.Kernels {
		nmse := "none"
		if k.NMSE != nil {
			nmse = fmt.Sprintf("%.2g", *k.NMSE)
		}
		fmt.Fprintf(&w, "| %s | %s | %d | %d | %s | %.2g |\n", k.Op, k.Kernel, k.Cases, k.Bad, nmse, k.Limit)
	}
	limits, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(&w, "\n```json\n%s\n```\n", limits)
	_, err = io.WriteString(out, w.String())
	return err
}
