package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muninn/model/bench/predict"
)

// count has the devices decode a token of each model, and keeps in the file of counts what they run for it.
func count(all []device) (err error) {
	kept := map[string]predict.Counts{}
	if data, err2 := os.ReadFile(*counts); err2 == nil {
		err = json.Unmarshal(data, &kept)
	}
	for _, d := range all {
		r := d.stand(tokensOnly + "=1")
		code, err2 := readCode(filepath.Join(*cell, "code"))
		if err2 = errors.Join(err2, os.Remove(filepath.Join(*cell, "code"))); r.Error != "" {
			err2 = errors.Join(errors.New(r.Error), err2)
		}
		if err2 != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", d.name, err2))
			continue
		}
		kept[d.name] = r.counts(code)
		fmt.Printf("%-10s %-46s %d kernels, %d with code, %.0f s\n", d.name, r.Device, len(kept[d.name].Kernels), len(code), r.Seconds)
	}
	if err != nil {
		return err
	}
	return writeCounts(*counts, kept)
}

// What drivers call the shared memory of a workgroup, and how many subgroups there is room for.
var (
	sharedNames = []string{"LDS size", "Shared memory size", "Workgroup Memory Size", "Local memory", "SLM size"}
	wavesNames  = []string{"Max Waves Per Core"}
)

// counts are what of a result goes into the file of counts: the kernels that tokens need.
func (r result) counts(code map[string]kernelCode) predict.Counts {
	c := predict.Counts{Device: r.Device, Kernels: map[string]predict.Kernel{}, Tokens: r.Tokens}
	for _, t := range r.Tokens {
		for _, cmd := range t.Commands {
			i := slices.IndexFunc(r.Pipelines, func(p pipeline) bool { return p.Kernel == cmd.Kernel })
			if i < 0 {
				continue
			}
			p := r.Pipelines[i]
			size := p.Subgroup
			if size == 0 {
				size = r.Subgroup
			}
			c.Kernels[cmd.Kernel] = predict.Kernel{Subgroup: int(size), Registers: p.Registers, Shared: pick(p.All, sharedNames), Waves: pick(p.All, wavesNames),
				Instructions: p.Instructions, Loop: code[cmd.Kernel].loop, Path: code[cmd.Kernel].path}
		}
	}
	return c
}

// kernelCode is the instructions in the first loop, and on the longest way through.
type kernelCode struct{ loop, path float64 }

// readCode reads what the layer has written of the kernels' code: the instructions in the first loop of each. Drivers that give none are
// passed over.
func readCode(path string) (map[string]kernelCode, error) {
	data, err := os.ReadFile(path)
	names, err2 := kernelNames()
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	code := map[string]kernelCode{}
	for _, one := range strings.Split(string(data), "@@@ ")[1:] {
		texts := strings.Split(one, "@@ ")
		hash, constants, _ := strings.Cut(strings.TrimSpace(texts[0]), "\t")
		kernel := names[hash]
		if constants != "" {
			kernel += "[" + constants + "]"
		}
		for _, text := range texts[1:] {
			name, body, _ := strings.Cut(text, "\n")
			if loop, path := firstLoop(name, body); path > 0 {
				code[kernel] = kernelCode{float64(loop), float64(path)}
			}
		}
	}
	return code, nil
}

// writeCounts writes a file of counts, a line a kernel and a command.
func writeCounts(path string, kept map[string]predict.Counts) error {
	var b strings.Builder
	line := func(v any) string { // of plain data
		data, _ := json.Marshal(v)
		return string(data)
	}
	b.WriteString("{")
	for i, name := range slices.Sorted(maps.Keys(kept)) {
		c := kept[name]
		fmt.Fprintf(&b, "%s\n%s: {\"Device\": %s, \"Kernels\": {", comma(i), line(name), line(c.Device))
		for j, kernel := range slices.Sorted(maps.Keys(c.Kernels)) {
			fmt.Fprintf(&b, "%s\n\t%s: %s", comma(j), line(kernel), line(c.Kernels[kernel]))
		}
		b.WriteString("}, \"Tokens\": [")
		for j, t := range c.Tokens {
			fmt.Fprintf(&b, "%s\n\t{\"Model\": %s, \"Format\": %s, \"Steps\": %d, \"Commands\": [", comma(j), line(t.Model), line(t.Format), t.Steps)
			for k, cmd := range t.Commands {
				fmt.Fprintf(&b, "%s\n\t\t%s", comma(k), line(cmd))
			}
			b.WriteString("]}")
		}
		b.WriteString("]}")
	}
	b.WriteString("\n}\n")
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func comma(i int) string {
	if i > 0 {
		return ","
	}
	return ""
}
