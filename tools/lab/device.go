package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

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
	Name, Kernel string
	found
	Seconds   float64
	Pipelines []pipeline
	Messages  []string // of the validation layer
	Error     string
}

// stand runs the probe on a device, in a folder that has been built for it.
func (d device) stand(ctx context.Context, root, cell string) (r result) {
	r = result{Name: d.name, Kernel: d.kernel}
	files := []string{filepath.Join(cell, "found.json"), filepath.Join(cell, "stats")}
	for _, path := range files {
		os.Remove(path) // of the device before
	}
	out, err := d.probe(ctx, root, cell)
	for line := range strings.Lines(out) {
		if layer.IsFinding(line) {
			r.Messages = append(r.Messages, strings.TrimSpace(line))
		}
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out[max(0, len(out)-4000):])
	}
	data, err2 := os.ReadFile(files[0])
	if err2 == nil {
		err2 = json.Unmarshal(data, &r.found)
	}
	stats, err3 := os.ReadFile(files[1])
	if err3 == nil {
		r.Pipelines, err3 = readStats(string(stats))
	}
	if err := errors.Join(err, err2, err3); err != nil {
		r.Error = err.Error()
	}
	return r
}

// probe runs the probe under the validation layer, below which is the one that asks for statistics, and returns what it prints.
func (d device) probe(ctx context.Context, root, cell string, variables ...string) (string, error) {
	args := append([]string{d.kernel, d.driver, d.place, "MUNINN_LAB_PARAMS=" + d.params}, layer.Newest()...)
	args[4] += ":VK_LAYER_MUNINN_lab"
	return enter(ctx, root, cell, append(args, variables...)...)
}

// enter runs enter.sh and returns what it prints.
func enter(ctx context.Context, root, cell string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "tools/lab/enter.sh", append([]string{root, cell}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 5*time.Second
	err := cmd.Run()
	return out.String(), err
}
