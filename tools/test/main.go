// Command test runs everything that `./build.sh test` promises, round by round, and counts: `N passed, N failed`. With
// -check it runs what `./build.sh check` promises: less, and of tests only those that a change can have touched.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"muninn/vk/vktest/layer"
)

// lint is go.mod of the tools that look at the source, kept apart from the program's.
const lint = "-modfile=tools/lint/go.mod"

// checks look at the source and run no test; the last four are not for -check.
var checks = []check{
	{"gofmt", []string{"gofmt", "-l", "cmd", "model", "shaders", "tools", "vk"}},
	{"vet", []string{"go", "vet", "./..."}},
	{"staticcheck", []string{"go", "tool", lint, "staticcheck", "./..."}},
	{"kernels", []string{"go", "run", "./tools/glsl", "-check"}},
	{"without cgo", []string{"env", "CGO_ENABLED=0", "go", "vet", "./vk", "./cmd/muninn"}},
	{"for Windows", []string{"env", "CGO_ENABLED=0", "GOOS=windows", "go", "vet", "./..."}},
	{"go.mod", []string{"go", "mod", "tidy", "-diff"}},
}

// slow tests compile kernels for half of the time that all short tests take where nothing is cached: check leaves them to test.
var slow = []string{"TestKernels", "TestBrokenKernels", "TestLarge", "TestBatchMixed", "TestBatchRefuses", "TestLoop", "TestLoopHolds",
	"TestWavesAnswer", "TestExitsFollowHops", "TestReadme", "TestBench", "TestCompare", "TestCompareTexts", "TestQuality", "TestSpoiledGoldens",
	"TestDemoFits", "TestDemoOnPipe", "TestDemoMeasures", "TestSeedsMeanTheSame", "TestTablesFit", "TestTraceIsReproducible", "TestRunHealsTheCache", "TestReport",
	"TestWrongKernels", "TestPage"}

// alone are slow tests in which no two goroutines meet: the race detector has nothing to see in them.
var alone = []string{"TestLongPieces", "TestParseLimits", "TestSameBits", "TestDecodeCounters", "TestDeviceTasks", "TestRandomFamilies", "TestInventedFamily",
	"TestGraphMatchesReference", "TestDispatchesPerLayer", "TestAdaptiveCounters", "TestQuantizedModel", "TestQuantizedOddWidths", "TestInt8Activations", "TestInt8Tiles"}

// again are tests whose recordings others have too: validation has nothing to see in them.
var again = []string{"TestBatchMixed", "TestSameBits", "TestRepeats", "TestWrongKernels", "TestRunHealsTheCache", "TestBench", "TestBenchModel", "TestCompare", "TestDemoMeasures",
	"TestTranscripts", "TestBenchReportFlag", "TestCheckStopped", "TestCheckSaysWhereItIs", "TestCheckFindsAWrongKernel",
	"TestReadme", "TestReport", "TestDemoFits", "TestDemoOnPipe", "TestDemoIsLive", "TestTablesFit", "TestSeedsMeanTheSame", "TestSpoiledGoldens", "TestQuantizeKilled",
	"TestCheckKeepsItsBar", "TestIdleFlags", "TestChatTurnsCostTheirOwn", "TestChatOnTerminals", "TestNotFetched", "TestFaultsAreNoUsageErrors",
	"TestBrokenKernels", "TestSubnormalHalvesFlushed", "TestHalvesAreRounded", "TestMixedDots", "TestWideGEMVBits"}

// The short form of a test takes fewer rounds, not fewer kinds of input; the first rounds of `test` run the whole.
var (
	kernels  = "^TestKernels$"
	lavapipe = []string{"MUNINN_SKIP_DEVICES=SwiftShader"}

	// What takes longest where nothing is cached is lavapipe's compiler: without its optimisation passes a quarter less.
	short = round{name: "short", why: "every package, lavapipe, results of unchanged tests from Go's cache; without " + strings.Join(slow, ", "), env: append([]string{"GALLIVM_PERF=nopt"}, lavapipe...),
		args: []string{"-short", "-skip", "^(" + strings.Join(slow, "|") + ")$", "./..."}}
	// The longest first: two run at once.
	whole = []round{
		{name: "model tests", why: "packages of model and tools, both software drivers", args: []string{"-count=1", "./model/...", "./tools/..."}},
		{name: "every kernel", why: "TestKernels: most of it is the drivers' compilers", args: []string{"-count=1", "-run", kernels, "./shaders/ref"}},
		{name: "tests", why: "every other package, without TestKernels", args: []string{"-count=1", "-skip", kernels, "./cmd/...", "./shaders/...", "./vk/..."}},
		{name: "race", why: "the race detector and pointer checks where goroutines meet, lavapipe: they see Go's side alone", env: lavapipe,
			args: []string{"-count=1", "-short", "-race", "-skip", "^(" + strings.Join(alone, "|") + ")$", "./vk", "./shaders", "./model/checkpoint", "./model/store/...", "./model/tokenizer", "./model/score", "./model/engine",
				"./cmd/muninn/chat", "./cmd/muninn/cli", "./cmd/muninn/serve", "./cmd/muninn/web"}},
		{name: "validation", why: "Khronos layer: core checks, hazards within and across submissions; every kernel", env: layer.Env(true),
			args: []string{"-count=1", "-short", "-skip", "^(" + strings.Join(again, "|") + ")$", "./vk/...", "./shaders/..."}},
		{name: "model validation", why: "the same: what the engine records, lavapipe", env: append(layer.Env(true), lavapipe...),
			args: []string{"-count=1", "-short", "-skip", "^(" + strings.Join(again, "|") + ")$", "./model", "./model/engine", "./cmd/muninn", "./cmd/muninn/serve", "./tools/goldens"}},
		{name: "race of verbs", why: "the race detector on verbs that wait for people, clients and signals", env: lavapipe,
			args: []string{"-count=1", "-short", "-race", "-run", "^Test(Chat|Demo|Interrupted|Page|Run|Serve|Signals|Traced)", "./cmd/muninn"}},
		{name: "vulkan-go", why: "the other Vulkan binding", args: []string{"-count=1", "-tags=vulkango", "./vk"}},
		{name: "clients", why: "the server by clients that others have written; answers by their types", dir: "tools/clients", env: lavapipe, args: []string{"-count=1", "./..."}},
		{name: "gguf readers", why: "a file of ours by a reader of others", dir: "tools/gguf-readers", args: []string{"-count=1", "./..."}},
	}
)

func main() {
	isCheck := flag.Bool("check", false, "the quicker round while working")
	flag.Parse()
	list, rounds := checks, whole
	if *isCheck {
		list, rounds = checks[:len(checks)-4], []round{short}
	}
	var all results
	for _, c := range list {
		c.run(&all)
	}
	runAll(rounds, &all)
	all.printSlowest(15)
	fmt.Printf("%d passed, %d failed", all.passed, all.failed)
	if all.skipped > 0 {
		fmt.Printf(", %d skipped", all.skipped)
	}
	fmt.Println()
	if all.failed > 0 {
		os.Exit(1)
	}
}

// check is a command that must succeed; gofmt must print nothing as well.
type check struct {
	name string
	cmd  []string
}

func (c check) run(all *results) {
	start := time.Now()
	out, err := exec.Command(c.cmd[0], c.cmd[1:]...).CombinedOutput()
	if err != nil || c.name == "gofmt" && len(out) > 0 {
		fmt.Printf("FAIL %s: %s\n%s", c.name, strings.Join(c.cmd, " "), out)
		all.failed++
		return
	}
	fmt.Printf("ok   %-14s %6.1fs\n", c.name, time.Since(start).Seconds())
	all.passed++
}
