package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"muninn/shaders"
)

// Each device has a name of its own, a driver that is stood in for, and numbers that this one reads.
func TestDevices(t *testing.T) {
	list := devices()
	seen := map[string]bool{}
	for _, d := range list {
		if seen[d.name] {
			t.Errorf("%s is there twice", d.name)
		}
		seen[d.name] = true
		code, err := os.ReadFile("drm/" + d.kernel + ".c")
		if err != nil || !strings.Contains(string(code), `{"`+d.kernel+`", `) {
			t.Errorf("%s: no stand-in for %s: %v", d.name, d.kernel, err)
		}
		for field := range strings.FieldsSeq(d.params) {
			key, _, ok := strings.Cut(field, "=")
			if !ok || !strings.Contains(string(code), `param("`+key+`"`) {
				t.Errorf("%s: %s is nothing that %s.c reads", d.name, field, d.kernel)
			}
		}
	}
	if len(list) < 42 {
		t.Errorf("%d devices", len(list))
	}
}

func TestStats(t *testing.T) {
	code, err := shaders.SPIRV("addnorm_sg")
	if err != nil {
		t.Fatal(err)
	}
	h := fnv.New64a()
	h.Write(code)
	line := fmt.Sprintf("%016x\t64,4\t64\t64\t1500000\tVGPRs=24\tSpilled VGPRs=3\tSpilled SGPRs=2\tInstructions=70\n", h.Sum64())
	list, run, err := readStats(line + runBegins + "\n" + line + runEnds + "\n" + line)
	if err != nil {
		t.Fatal(err)
	}
	if len(run) != 1 || total(run) != 0.0015 {
		t.Errorf("of a run: %+v", run)
	}
	slow := result{Kernel: "nouveau", Run: []pipeline{{Kernel: "a", Seconds: 3}, {Kernel: "b", Seconds: 5.5}}}
	if got := slow.slow(); len(got) != 1 || !strings.Contains(got[0], "take 8.5 s, at most 8; b 5.50 s; a 3.00 s") {
		t.Errorf("a slow run: %q", got)
	}
	if slow.Run = slow.Run[1:]; slow.slow() != nil {
		t.Error("a run that is not slow")
	}
	if len(list) != 1 || list[0].Kernel != "addnorm_sg[64,4]" || list[0].Spills != 5 || list[0].Registers != 24 || list[0].Instructions != 70 || list[0].Seconds != 0.0015 {
		t.Errorf("%+v", list)
	}
	for _, bad := range []string{"0000000000000000\t\t0\t0\t1\n", "half a line\n"} {
		if _, _, err := readStats(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// Floors only shrink: more spills than known are reported, and are not taken in.
func TestFloors(t *testing.T) {
	of := func(spills float64) result {
		return result{Name: "x", Pipelines: []pipeline{{Kernel: "a", Spills: spills}, {Kernel: "b"}}}
	}
	f := floors{}
	if got := f.hold(of(3), true); len(got) != 0 || f["x"]["a"] != 3 {
		t.Error("a device that is new is not taken in", got)
	}
	if got := f.hold(of(4), true); len(got) != 1 || !strings.Contains(got[0], "a spills 4, known 3") || f["x"]["a"] != 3 {
		t.Error("a floor has risen", got)
	}
	f.hold(of(2), false)
	if f["x"]["a"] != 3 {
		t.Error("a floor is lowered unasked")
	}
	idle, busy := of(0), of(0)
	idle.Pipelines = append(idle.Pipelines, pipeline{Kernel: "x_coop[32]", All: map[string]float64{"Matrix instructions": 0}})
	busy.Pipelines = append(busy.Pipelines, pipeline{Kernel: "x_coop[32]", All: map[string]float64{"Matrix instructions": 8}})
	if got := f.hold(idle, false); len(got) != 1 || !strings.Contains(got[0], "x_coop[32] has no instruction of the matrix units") || len(f.hold(busy, false)) != 0 {
		t.Error("a kernel that leaves the matrix units idle passes, or one that does not fails", got)
	}
	f.hold(of(0), true)
	if got := f.hold(of(1), false); len(got) != 1 {
		t.Error("a floor is not lowered to 0")
	}
}
