package main

import (
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

func pick(all map[string]float64, names []string) float64 {
	i := max(0, slices.IndexFunc(names, func(n string) bool { _, ok := all[n]; return ok }))
	return all[names[i]]
}

// readStats reads what the layer has written, of which layer/stats.c tells the form.
func readStats(text string) (list []pipeline, err error) {
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
	byKernel := map[string]pipeline{} // a model after the first compiles the same ones again
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) < 5 || names[f[0]] == "" {
			return nil, fmt.Errorf("the layer wrote %q: no pipeline of a known kernel", line)
		}
		p := pipeline{Kernel: names[f[0]], All: map[string]float64{"subgroup": 0, "ns": 0}}
		if f[1] != "" {
			p.Kernel += "[" + f[1] + "]"
		}
		for _, s := range append([]string{"subgroup=" + f[3], "ns=" + f[4]}, f[5:]...) {
			name, value, _ := strings.Cut(s, "=")
			if p.All[name], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, fmt.Errorf("the layer wrote %q: %w", s, err)
			}
		}
		p.Subgroup, p.Seconds = uint32(p.All["subgroup"]), p.All["ns"]/1e9
		p.Registers, p.Instructions = pick(p.All, registerNames), pick(p.All, instructionNames)
		for _, n := range spillNames {
			p.Spills += p.All[n]
		}
		byKernel[p.Kernel] = p
	}
	return slices.SortedFunc(maps.Values(byKernel), func(a, b pipeline) int { return strings.Compare(a.Kernel, b.Kernel) }), nil
}

// floors are the spills that are known, by device and kernel. They may only shrink.
type floors map[string]map[string]float64

// exceeded lists the kernels that spill more than is known of the device.
func (f floors) exceeded(r result) (list []string) {
	for _, p := range r.Pipelines {
		if known := f[r.Name][p.Kernel]; p.Spills > known {
			list = append(list, fmt.Sprintf("%s spills %g, known %g", p.Kernel, p.Spills, known))
		}
	}
	return list
}

// lower takes what has shrunk, and everything of a device that was not known.
func (f floors) lower(r result) {
	known, now := f[r.Name], map[string]float64{}
	for _, p := range r.Pipelines {
		if n, ok := known[p.Kernel]; p.Spills > 0 && (known == nil || ok) {
			now[p.Kernel] = p.Spills
			if ok {
				now[p.Kernel] = min(n, p.Spills)
			}
		}
	}
	f[r.Name] = now
}
