// Command lab stands up GPUs that are not there: the real user-space drivers and compilers of Mesa, over stand-ins for their kernel drivers
// that accept everything and do nothing. On each it compiles every pipeline that the engine uses, and runs the whole engine under
// validation. `./build.sh lab` makes the root that it needs and starts it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const floorPath = "tools/lab/floor.json"

var (
	root    = flag.String("root", "", "root `folder` of a Debian with Mesa's drivers, the validation layer, gcc and headers")
	name    = flag.String("device", "", "stand up the device of this `name` alone")
	list    = flag.Bool("list", false, "list the devices and do nothing")
	asJSON  = flag.String("json", "", "also write everything that is known to a `file`")
	lower   = flag.Bool("lower", false, "take into the floor file what has shrunk, and devices that are new in it")
	limit   = flag.Duration("limit", 15*time.Minute, "`time` that a device may take")
	isProbe = flag.Bool("probe", false, "for the lab itself: run on the one device that there is")
)

func main() {
	flag.Parse()
	do := lab
	if *isProbe {
		do = func() error {
			f, err := probe(context.Background())
			return errors.Join(err, writeJSON("/lab/found.json", f))
		}
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func lab() error {
	all := slices.DeleteFunc(devices(), func(d device) bool { return *name != "" && d.name != *name })
	known := floors{}
	data, err := os.ReadFile(floorPath)
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil || len(all) == 0 {
		return errors.Join(err, fmt.Errorf("%d devices; -list names them", len(all)))
	}
	if *list {
		for _, d := range all {
			fmt.Printf("%-12s %s\n", d.name, d.kernel)
		}
		return nil
	}
	results, wrong, err := standUp(all, known)
	if err == nil {
		err = printTable(results)
	}
	if err == nil && *asJSON != "" {
		err = writeJSON(*asJSON, results)
	}
	if err == nil && *lower {
		err = writeJSON(floorPath, known)
	}
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d things are wrong", wrong)
	}
	return err
}

// standUp runs the devices one after the other and says what is wrong with each.
func standUp(all []device, known floors) (results []result, wrong int, err error) {
	cell, err := os.MkdirTemp(filepath.Dir(*root), "cell")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(cell)
	if out, err := enter(context.Background(), *root, cell, "build"); err != nil {
		return nil, 0, fmt.Errorf("the stand-ins do not compile: %w\n%s", err, out)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(filepath.Join(cell, "probe"), self, 0o755)
	}
	if err == nil {
		if out, _ := all[0].probe(context.Background(), *root, cell, dropBarriers+"=1"); !strings.Contains(out, "SYNC-HAZARD-READ-AFTER-WRITE") {
			err = fmt.Errorf("%s: without barriers, the validation layer finds no hazard: it would find none with them\n%s", all[0].name, out[max(0, len(out)-2000):])
		}
	}
	for _, d := range all {
		if err != nil {
			return nil, 0, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), *limit)
		start := time.Now()
		r := d.stand(ctx, *root, cell)
		cancel()
		r.Seconds = time.Since(start).Seconds()
		results = append(results, r)
		if *lower && r.Error == "" {
			known.lower(r)
		}
		complaints := slices.Concat(known.exceeded(r), r.Messages)
		if r.Error != "" {
			complaints = append(complaints, r.Error)
		}
		for _, text := range complaints[:min(10, len(complaints))] {
			fmt.Fprintf(os.Stderr, "lab: %s: %s\n", d.name, text)
		}
		wrong += len(complaints)
	}
	return results, wrong, nil
}

func printTable(results []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tkernel\tdevice\tsubgroup\tpipelines\tcompile s\tmost registers\tinstructions\tspilling\tspills\tmessages\trun s")
	for _, r := range results {
		var compile, most, instructions, spills float64
		spilling := 0
		for _, p := range r.Pipelines {
			compile, most, instructions, spills = compile+p.Seconds, max(most, p.Registers), instructions+p.Instructions, spills+p.Spills
			if p.Spills > 0 {
				spilling++
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%.1f\t%g\t%g\t%d\t%g\t%d\t%.0f\n", r.Name, r.Kernel, r.Device, r.found.Subgroup, len(r.Pipelines), compile,
			most, instructions, spilling, spills, len(r.Messages), r.Seconds)
	}
	return w.Flush()
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
