package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"muninn/model/bench/predict"
	"muninn/shaders"
	"muninn/vk/vktest/layer"
)

//go:embed devices.txt
var table string

// device is a line of devices.txt: its name, the kernel's driver, Mesa's, where it sits, numbers for the stand-in.
type device struct{ name, kernel, driver, place, params string }

func devices() (list []device) {
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && f[0] != "#" {
			list = append(list, device{f[0], f[1], f[2], f[3], strings.Join(f[4:], " ")})
		}
	}
	return list
}

// result is what came of a device.
type result struct {
	Name, Kernel, Device, Driver string
	Subgroup                     uint32
	Choices                      []shaders.Setting
	Seconds                      float64
	Pipelines                    []pipeline
	Run                          []pipeline      `json:"-"` // those of a run, as they were compiled
	Tokens                       []predict.Token `json:",omitempty"`
	Messages                     []string        // of the validation layer
	Error                        string
}

// stand runs the probe on a device, with variables of its own.
func (d device) stand(variables ...string) (r result) {
	start := time.Now()
	stats, found := filepath.Join(*cell, "stats"), filepath.Join(*cell, "found.json")
	err := errors.Join(os.WriteFile(stats, nil, 0o644), os.WriteFile(found, nil, 0o644)) // not those of the device before
	out, err2 := d.enter(variables...)
	if err = errors.Join(err, err2); err != nil {
		err = fmt.Errorf("%w\n%s", err, out[max(0, len(out)-4000):])
	}
	data, err2 := os.ReadFile(found)
	err = errors.Join(err, err2, json.Unmarshal(data, &r))
	if data, err2 = os.ReadFile(stats); err2 == nil {
		r.Pipelines, r.Run, err2 = readStats(string(data))
	}
	if err = errors.Join(err, err2); err != nil {
		r.Error = err.Error()
	}
	for line := range strings.Lines(out) {
		if layer.IsFinding(line) {
			r.Messages = append(r.Messages, strings.TrimSpace(line))
		}
	}
	r.Name, r.Kernel, r.Seconds = d.name, d.kernel, time.Since(start).Seconds()
	return r
}

// enter runs the probe under the validation layer, below which is the one that asks for statistics, and returns what it prints.
func (d device) enter(variables ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	args := append([]string{*root, *cell, d.kernel, d.driver, d.place, "MUNINN_LAB_PARAMS=" + d.params}, layer.Newest()...)
	args[6] += ":VK_LAYER_MUNINN_lab"
	if slices.Contains(variables, tokensOnly+"=1") { // the rest has been validated
		args = append(args[:6], "VK_INSTANCE_LAYERS=VK_LAYER_MUNINN_lab", "MUNINN_LAB_CODE=/lab/code")
	}
	out, err := exec.CommandContext(ctx, "tools/lab/enter.sh", append(args, variables...)...).CombinedOutput()
	return string(out), err
}
