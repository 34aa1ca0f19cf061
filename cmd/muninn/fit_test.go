package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/fit"
	"muninn/model/store"
	"muninn/shaders/format"
	"muninn/vk"
)

func parsePlan(t *testing.T, o outcome) planObject {
	t.Helper()
	var p planObject
	if o.code != cli.ExitOK {
		t.Fatalf("exit status %d: %s", o.code, o.err)
	}
	if err := json.Unmarshal([]byte(o.out), &p); err != nil {
		t.Fatalf("%v: %s", err, o.out)
	}
	return p
}

// What --plan foretells is what a run with the same flags allocates.
func TestPlanIsWhatARunTakes(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		for _, flags := range [][]string{{"--ctx", "256"}, {"--ctx", "100", "-r", "3", "--quant", "f32", "--cache-lookup-strategy", "compress-s2"}} {
			flags = append(flags, "--device", device, "--json")
			p := parsePlan(t, invoke(append([]string{"run", "demo", "--plan"}, flags...)...))
			a := parseAnswer(t, invoke(append([]string{"run", "demo", chain, "-n", "1"}, flags...)...))
			if p.MemoryPlan.Device+p.Host != a.sum.DeviceBytes || !p.Fits || !strings.Contains(p.Device, device) {
				t.Errorf("%v: %d bytes planned, %d taken; %+v", flags, p.MemoryPlan.Device+p.Host, a.sum.DeviceBytes, p)
			}
			sum := p.Rounding
			for _, l := range p.Lines {
				sum += l.Bytes
			}
			if sum != p.MemoryPlan.Device {
				t.Errorf("%v: the parts come to %d, the total is %d", flags, sum, p.MemoryPlan.Device)
			}
		}
	})
}

// The table names device, parts and sums, whatever device is planned for.
func TestPlanTable(t *testing.T) {
	o := invoke("run", "demo", "--plan-for", "3090", "--ctx", "64")
	for _, want := range []string{"on NVIDIA GeForce RTX 3090", "weights   embedding", "240 KiB", "kv        core", "rounding", "total", "21.75 GiB", "host"} {
		o.wants(t, cli.ExitOK, want, "")
	}
	if p := parsePlan(t, invoke("run", "demo", "--plan-for", "3090", "--json")); p.Host != 50<<20 { // staging, and a block each way
		t.Errorf("%d bytes in the host's memory", p.Host)
	}
	o = invoke("run", "demo", "--plan-for", "6 GiB", "--no-fit", "--quant", "f16")
	o.wants(t, cli.ExitOK, "f16 weights, latest-m4 KV in f16, 256 positions as given; fits a card of 6.00 GiB", "")
	invoke("run", "demo", "--plan-for", "8GiB").wants(t, cli.ExitOK, "90 % of 8.00 GiB", "")
	o = invoke("run", "demo", "--plan-for", "72MiB", "--no-fit")
	o.wants(t, cli.ExitOK, "does not fit", "")
	if a, b := invoke("run", "demo", "--plan", "--quant", "f32", "--json"), invoke("run", "demo", "--plan", "--json"); parsePlan(t, a).Quant != "f32" || parsePlan(t, b).Quant != "bf16" {
		t.Errorf("as given and as stored: %s %s", a.out, b.out)
	}
}

// Where one heap is too small the table says what comes from which.
func TestPlanOverHeaps(t *testing.T) {
	apu := vk.Caps{Type: "integrated", Heaps: []vk.Heap{{Size: 8 << 30}, {Size: 1 << 30, DeviceLocal: true}, {Size: 8 << 30}},
		MemoryTypes: []vk.MemoryType{{HostVisible: true, HostCoherent: true}, {Heap: 1, DeviceLocal: true}}}
	for device, want := range map[uint64]bool{3 << 30: true, 2 << 30: false} {
		var b strings.Builder
		planTable(cli.NewStreams(nil, &b, &b, noEnv), arch.Config{}, apu, fit.Choice{Plan: engine.MemoryPlan{Device: device, Heaps: []uint64{2 << 30, device - 2<<30, 0}}})
		own, host := strings.Contains(b.String(), "heap 1, its own     1.00 GiB"), strings.Contains(b.String(), "heap 0, the host's  2.00 GiB")
		if own != want || host != want || strings.Contains(b.String(), "heap 2") {
			t.Errorf("%d bytes:\n%s", device, b.String())
		}
	}
}

// Too small a card: exit 4, what is needed by part, and settings that fit when they are given.
func TestDoesNotFit(t *testing.T) {
	o := invoke("run", "demo", "--plan-for", "80MiB", "--quant", "f32", "--kv-type", "f32", "--cache-lookup-strategy", "full")
	o.wants(t, cli.ExitMemory, "", "f32 weights, full KV in f32, 256 positions needs")
	o.wants(t, cli.ExitMemory, "", "weights  core")
	settings := 0
	for line := range strings.Lines(o.err) {
		flags, _, ok := strings.Cut(strings.TrimSpace(line), "  (")
		if !ok || !strings.HasPrefix(flags, "--quant") {
			continue
		}
		settings++
		p := parsePlan(t, invoke(append([]string{"run", "demo", "--plan-for", "80MiB", "--json"}, strings.Fields(flags)...)...))
		if !p.Fits || !strings.Contains(flags, p.Quant) || !strings.Contains(flags, p.Lookup) {
			t.Errorf("%s: %+v", flags, p)
		}
	}
	if settings != 3 {
		t.Errorf("%d settings in:\n%s", settings, o.err)
	}
	invoke("run", "demo", "--plan-for", "66MiB").wants(t, cli.ExitMemory, "", "no setting fits")
}

// One line says what was chosen; --no-fit and --fit=false say nothing; what cannot be planned is a wrong use.
func TestFitSays(t *testing.T) {
	device := firstDevice(t)
	run := func(flags ...string) outcome {
		return invoke(append([]string{"run", "demo", chain, "-n", "1", "--device", device}, flags...)...)
	}
	o := run("--ctx", "32")
	o.wants(t, cli.ExitOK, "3;", "fit: bf16 weights, latest-m4 KV in f16, 32 positions: ")
	if strings.Count(o.err, "fit: ") != 1 {
		t.Errorf("not one line: %s", o.err)
	}
	run("--cache-lookup-strategy", "compress-s4", "--quant", "f16").wants(t, cli.ExitOK, "3;", "fit: f16 weights, compress-s4 KV")
	for _, flags := range [][]string{{"--no-fit"}, {"--fit=false"}, {"-q"}} {
		if o := run(flags...); o.code != cli.ExitOK || strings.Contains(o.err, "fit:") {
			t.Errorf("%v: exit status %d, %s", flags, o.code, o.err)
		}
	}
	for _, bad := range []string{"voodoo", "0GiB", "99999999GiB", "-1GiB", "nanGiB"} {
		invoke("run", "demo", "--plan-for="+bad).wants(t, cli.ExitUsage, "", "--plan-for "+bad)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]uint64{"6GiB": 6 << 30, " 5.5 gib": 11 << 29, "8GB": 8e9, "512MiB": 512 << 20, "4g": 4 << 30, "6": 6 << 30, "0.5": 1 << 29} {
		if got, ok, err := parseSize(text); got != want || !ok || err != nil {
			t.Errorf("%q: %d, %v, %v", text, got, ok, err)
		}
	}
	for _, text := range []string{"RTX 3060", "3090", "nan", "GiB", "6TiB", ""} {
		if _, ok, err := parseSize(text); ok || err != nil {
			t.Errorf("%q is a size (%v)", text, err)
		}
	}
}

// longDemo is the demo model with a context of 4096 positions, and its checkpoint.
func longDemo(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, demo.Files); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(config, &fields); err != nil {
		t.Fatal(err)
	}
	fields["block_size"] = 4096
	if config, err = json.Marshal(fields); err == nil {
		err = os.WriteFile(path, config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ck, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ck.Close() })
	return ck
}

// A context that was not asked for is cut when nothing else helps, one that was is not; the session takes over what was
// chosen.
func TestFitChooses(t *testing.T) {
	ck := longDemo(t)
	full, err := decode.ParseLookup("full", 2)
	if err != nil {
		t.Fatal(err)
	}
	bf16 := checkpoint.Scheme{Quant: format.BF16}
	prompt, positions := 1000, 4096
	settled := func(mib uint64, given ...string) (engine.SessionOptions, error) {
		o := fitOptions{fit: true, KVType: "f32", set: func(flag string) bool { return slices.Contains(given, flag) }}
		session := engine.SessionOptions{Context: positions, MaxSteps: 8, Lookup: full}
		choice, err := model.Options{Weights: bf16, Session: session, Fit: o.wish(session, prompt)}.Choose(ck, fit.Card(mib<<20))
		if err == nil {
			session.Context, session.Lookup, session.Rows = choice.Context, choice.Lookup, choice.Rows
		}
		return session, err
	}
	// 80 MiB and more in all, 28 with compress-s2 and 128 rows. Of the card a tenth and 64 MiB are not to be had.
	if s, err := settled(200); err != nil || s.Context != 4096 || s.Lookup.String() != "latest-m4" || s.Rows != 0 {
		t.Errorf("room for everything: %+v, %v", s, err)
	}
	if s, err := settled(120); err != nil || s.Context != 4096 || s.Lookup.Period == decode.Uncompressed {
		t.Errorf("room for a compressed cache: %+v, %v", s, err)
	}
	if s, err := settled(120, "cache-lookup-strategy"); err != nil || s.Context >= 4096 || s.Context < 1001 || s.Lookup != full {
		t.Errorf("the rule as given: %+v, %v", s, err)
	}
	if s, err := settled(120, "cache-lookup-strategy", "ctx"); !errors.Is(err, fit.ErrDoesNotFit) || s.Context != 4096 {
		t.Errorf("rule and context as given: %+v, %v", s, err)
	}
	prompt = 3000 // has no place in what would fit
	if s, err := settled(120, "cache-lookup-strategy"); !errors.Is(err, fit.ErrDoesNotFit) {
		t.Errorf("a context shorter than the prompt: %+v, %v", s, err)
	}
	positions = 3072
	if s, err := settled(99, "ctx"); err != nil || s.Context != 3072 || s.Rows != 128 {
		t.Errorf("fewer rows: %+v, %v", s, err)
	}
}

// A checkpoint is planned for a GPU that is not here. It shares its memory with the host: nothing is staged.
func TestPlanOfACheckpoint(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "goldens", "models", "C-f16")
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	p := parsePlan(t, invoke("run", dir, "--plan-for", "Apple M2", "--json"))
	ck, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	if p.Device != "Apple M2" || p.Quant != "f16" || p.Steps != ck.Config.MeanRecurrence || p.Context != ck.Config.BlockSize || p.Host != 0 {
		t.Errorf("%+v", p)
	}
}
