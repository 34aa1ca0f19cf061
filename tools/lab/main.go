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
	"slices"
	"strings"
)

var (
	root    = flag.String("root", "", "root `folder` of a Debian with Mesa's drivers and the validation layer")
	cell    = flag.String("cell", "", "`folder` with what enter.sh builds, and this program as probe")
	name    = flag.String("device", "", "stand up the device of this `name` alone")
	list    = flag.Bool("list", false, "list the devices and do nothing")
	asJSON  = flag.String("json", "", "also write everything that is known to a `file`")
	lower   = flag.Bool("lower", false, "take into the floor file what has shrunk, and devices that are new in it")
	counts  = flag.String("counts", "", "only decode a token of each model, and keep in a `file` what each device runs for it and what its compiler made of that")
	paper   = flag.Bool("predict", false, "write testdata/bench/gpus.md from the counts that are kept, and do nothing else")
	isProbe = flag.Bool("probe", false, "for the lab itself: run on the one device that there is")
)

func main() {
	flag.Parse()
	do := lab
	if *isProbe {
		do = func() error {
			var r result
			err := probe(context.Background(), &r)
			return errors.Join(err, writeJSON("/lab/found.json", r))
		}
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func lab() (err error) {
	if *paper {
		return writePredictions()
	}
	all := slices.DeleteFunc(devices(), func(d device) bool { return *name != "" && d.name != *name })
	if len(all) == 0 {
		return fmt.Errorf("no device %q; -list names them", *name)
	}
	if *list {
		for _, d := range all {
			fmt.Printf("%-12s %s\n", d.name, d.kernel)
		}
		return nil
	}
	if *counts != "" {
		return count(all)
	}
	const floorPath = "tools/lab/floor.json"
	known := floors{}
	data, err := os.ReadFile(floorPath)
	if err = errors.Join(err, json.Unmarshal(data, &known)); err != nil {
		return err
	}
	if err := seesHazards(all[0]); err != nil {
		return err
	}
	var results []result
	wrong := 0
	fmt.Printf(columns, "name", "kernel", "device", "lanes", "pipelines", "compile s", "run s", "registers", "instructions", "spilling", "spills", "messages", "all s")
	for _, d := range all {
		r := d.stand()
		results = append(results, r)
		r.print()
		complaints := slices.Concat(known.hold(r, *lower), r.slow(), r.Messages)
		if r.Error != "" {
			complaints = append(complaints, r.Error)
		}
		for _, text := range complaints[:min(10, len(complaints))] {
			fmt.Fprintf(os.Stderr, "lab: %s: %s\n", d.name, text)
		}
		wrong += len(complaints)
	}
	if *asJSON != "" {
		err = writeJSON(*asJSON, results)
	}
	if *lower {
		err = errors.Join(err, writeJSON(floorPath, known))
	}
	if wrong > 0 {
		err = errors.Join(err, fmt.Errorf("%d things are wrong", wrong))
	}
	return err
}

// seesHazards checks on a device that the validation layer finds hazards where barriers are left out.
func seesHazards(d device) error {
	out, err := d.enter(dropBarriers + "=1")
	if strings.Contains(out, "SYNC-HAZARD-READ-AFTER-WRITE") {
		return nil
	}
	return fmt.Errorf("%s: without barriers the validation layer finds no hazard (%v); it would find none with them\n%s", d.name, err, out[max(0, len(out)-4000):])
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
