package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"muninn/shaders"
)

// pipeline is what a driver's compiler made of a kernel. Numbers that the driver does not give are 0.
type pipeline struct {
	Kernel       string             // with its specialization constants
	Subgroup     uint32             // that it got
	Seconds      float64            // to compile
	Registers    float64            // of a lane
	Spills       float64            // registers that went to memory, or instructions that take them there, as the driver counts
	Instructions float64            // or bytes of code
	All          map[string]float64 // the driver's own
}

// What drivers call these numbers. Of registers and instructions the first name that there is counts, of spills all.
var (
	registerNames    = []string{"VGPRs", "Number of GPRs", "Max live registers", "Registers used", "GPRs"}
	spillNames       = []string{"Spilled VGPRs", "Spilled SGPRs", "Spill Count", "Spills to memory", "STP Count", "Spills"}
	instructionNames = []string{"Instructions", "Instruction Count", "Instruction count", "Code size"}
)

func pick(all map[string]float64, names []string) (v float64) {
	for _, n := range slices.Backward(names) {
		if known, ok := all[n]; ok {
			v = known
		}
	}
	return v
}

// kernelNames are the names of kernels by the hashes of their code that the layer writes.
func kernelNames() (map[string]string, error) {
	names := map[string]string{}
	for _, name := range shaders.Names() {
		code, err := shaders.SPIRV(name)
		if err != nil {
			return nil, err
		}
		h := fnv.New64a()
		h.Write(code)
		names[fmt.Sprintf("%016x", h.Sum64())] = name
	}
	return names, nil
}

// readStats reads what the layer has written, of which layer/stats.c tells the form, and which pipelines those of a run are.
func readStats(text string) (list, run []pipeline, err error) {
	names, err := kernelNames()
	if err != nil {
		return nil, nil, err
	}
	running := false
	byKernel := map[string]pipeline{} // a model after the first compiles the same ones again
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			running = strings.TrimSpace(line) == runBegins
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) < 5 || names[f[0]] == "" {
			return nil, nil, fmt.Errorf("the layer wrote %q: no pipeline of a known kernel", line)
		}
		p := pipeline{Kernel: names[f[0]], All: map[string]float64{"subgroup": 0, "ns": 0}}
		if f[1] != "" {
			p.Kernel += "[" + f[1] + "]"
		}
		for _, s := range append([]string{"subgroup=" + f[3], "ns=" + f[4]}, f[5:]...) {
			name, value, _ := strings.Cut(s, "=")
			if p.All[name], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, nil, fmt.Errorf("the layer wrote %q: %w", s, err)
			}
		}
		p.Subgroup, p.Seconds = uint32(p.All["subgroup"]), p.All["ns"]/1e9
		p.Registers, p.Instructions = pick(p.All, registerNames), pick(p.All, instructionNames)
		for _, n := range spillNames {
			p.Spills += p.All[n]
		}
		byKernel[p.Kernel] = p
		if running {
			run = append(run, p)
		}
	}
	return slices.SortedFunc(maps.Values(byKernel), func(a, b pipeline) int { return strings.Compare(a.Kernel, b.Kernel) }), run, nil
}

// floors are the spills that are known, by device and kernel. They may only shrink.
type floors map[string]map[string]float64

// hold lists the kernels that spill more than is known of the device, and those for matrix units that do not use them. If lower is set,
// what spills less from now on is known to, and all of a device that is new.
func (f floors) hold(r result, lower bool) (worse []string) {
	known, seen := f[r.Name]
	now := map[string]float64{}
	for _, p := range r.Pipelines {
		floor := known[p.Kernel]
		if !seen && lower {
			floor = p.Spills
		}
		if p.Spills > floor {
			worse = append(worse, fmt.Sprintf("%s spills %g, known %g", p.Kernel, p.Spills, floor))
		}
		if n, told := p.All["Matrix instructions"]; told && n == 0 && strings.Contains(p.Kernel, "_coop") {
			worse = append(worse, p.Kernel+" has no instruction of the matrix units")
		}
		if p.Spills > 0 && floor > 0 {
			now[p.Kernel] = min(floor, p.Spills)
		}
	}
	if lower && r.Error == "" {
		f[r.Name] = now
	}
	return worse
}

// mostOfRun is how many seconds of the processor the pipelines of a run may take, by the kernel's driver.
var mostOfRun = map[string]float64{"i915": 6, "xe": 6, "nouveau": 8}

// slow says what takes too long of a run's pipelines.
func (r result) slow() []string {
	sum := total(r.Run)
	most, ok := mostOfRun[r.Kernel]
	if !ok || sum <= most {
		return nil
	}
	list := slices.SortedFunc(slices.Values(r.Run), func(a, b pipeline) int { return cmp.Compare(b.Seconds, a.Seconds) })
	text := fmt.Sprintf("the pipelines of a run take %.1f s, at most %g", sum, most)
	for _, p := range list[:min(4, len(list))] {
		text += fmt.Sprintf("; %s %.2f s", p.Kernel, p.Seconds)
	}
	return []string{text}
}

func total(list []pipeline) (seconds float64) {
	for _, p := range list {
		seconds += p.Seconds
	}
	return seconds
}

// columns are those of the table.
const columns = "%-10s %-8s %-46s %5v %9v %9v %6v %9v %12v %8v %6v %8v %5v\n"

func (r result) print() {
	var compile, most, instructions, spills float64
	spilling := 0
	for _, p := range r.Pipelines {
		compile, most, instructions, spills = compile+p.Seconds, max(most, p.Registers), instructions+p.Instructions, spills+p.Spills
		if p.Spills > 0 {
			spilling++
		}
	}
	fmt.Printf(columns, r.Name, r.Kernel, r.Device, r.Subgroup, len(r.Pipelines), fmt.Sprintf("%.1f", compile), fmt.Sprintf("%.1f", total(r.Run)), most, instructions, spilling, spills,
		len(r.Messages), fmt.Sprintf("%.0f", r.Seconds))
}
