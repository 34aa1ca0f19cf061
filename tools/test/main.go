// Command test runs everything that `./build.sh test` promises, stage by stage, and counts: `N passed, N failed`.
// A message of a validation layer is a failure of the stage it appears in.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// stage is one round over some packages.
type stage struct {
	name string
	why  string
	env  []string
	args []string // of go test
}

// device packages are those whose tests talk to a Vulkan device.
var device = []string{"./vk/...", "./shaders/...", "./model/...", "./cmd/...", "./tools/goldens/..."}

const (
	layer = "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation"
	// Hazards inside a submission and across submissions. The separator is that of a path list: with another, the layer
	// turns neither check on and says nothing.
	hazards = "VK_LAYER_ENABLES=VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT" + string(os.PathListSeparator) +
		"VALIDATION_CHECK_ENABLE_SYNCHRONIZATION_VALIDATION_QUEUE_SUBMIT"
)

func stages(quick bool) []stage {
	all := []stage{{name: "tests", why: "every package, both software drivers", args: []string{"./..."}}}
	if quick {
		return all
	}
	return append(all,
		stage{name: "race", why: "the race detector and pointer checks", args: append([]string{"-race", plainGo}, device...)},
		stage{name: "vulkan-go", why: "the other Vulkan binding", args: []string{"-tags", "vulkango", "./vk/...", "./shaders/..."}},
		stage{name: "validation", why: "Khronos layer, core checks", env: []string{layer}, args: append([]string{plainGo}, device...)},
		stage{name: "synchronization", why: "Khronos layer, hazards within and across submissions", env: []string{layer, hazards}, args: append([]string{plainGo}, device...)},
	)
}

// plainGo leaves out, after the first round, the long tests of arithmetic: in plain Go, with no device and one goroutine at a
// time, or of how near narrow weights come, over commands that other tests record as well.
const plainGo = "-skip=^(TestReferenceEngine|TestSpoiledGoldens|TestGoldens|TestQuality|TestInt8Activations|TestDeviceEngineRounded|TestDeviceSamplers|TestDeviceSpeculationIsPlain|TestExitsFollowHops|TestWavesAnswer|TestSoak|TestWavesEnd|TestSpeculationIsPlain)$"

func main() {
	quick := len(os.Args) > 1 && os.Args[1] == "--quick"
	var total tally
	checks := []check{
		{"gofmt", []string{"gofmt", "-l", "cmd", "model", "shaders", "tools", "vk"}, true},
		{"vet", []string{"go", "vet", "./..."}, false},
		{"without cgo", []string{"env", "CGO_ENABLED=0", "go", "vet", "./vk", "./cmd/muninn"}, false},
		{"kernels are up to date", []string{"go", "run", "./tools/glsl", "-check"}, false},
	}
	for _, c := range checks {
		total.add(c.run())
	}
	for _, s := range stages(quick) {
		total.add(s.run())
	}
	fmt.Printf("%d passed, %d failed\n", total.passed, total.failed)
	if total.failed > 0 {
		os.Exit(1)
	}
}

// tally counts tests.
type tally struct{ passed, failed int }

func (t *tally) add(u tally) { t.passed, t.failed = t.passed+u.passed, t.failed+u.failed }

// check is a command that must succeed, and print nothing if silent.
type check struct {
	name   string
	cmd    []string
	silent bool
}

func (c check) run() tally {
	start := time.Now()
	out, err := exec.Command(c.cmd[0], c.cmd[1:]...).CombinedOutput()
	if err != nil || c.silent && len(out) > 0 {
		fmt.Printf("FAIL %s: %s\n%s\n", c.name, strings.Join(c.cmd, " "), out)
		return tally{failed: 1}
	}
	fmt.Printf("ok   %-16s %6.1fs\n", c.name, time.Since(start).Seconds())
	return tally{passed: 1}
}
