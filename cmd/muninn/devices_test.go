package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/fit"
	"muninn/vk"
)

// someDevices are made up: an integrated GPU with the largest memory, a discrete one, and a driver too old to use.
var someDevices = []vk.Caps{
	{Index: 0, Name: "Onboard 7", Type: "integrated", Driver: "mesa 24.1", APIVersion: [3]uint32{1, 3, 2}, MaxStorageBufferRange: 1 << 30,
		Heaps: []vk.Heap{{Size: 96 << 30, DeviceLocal: true}}, MemoryTypes: []vk.MemoryType{{DeviceLocal: true}}, SubgroupSize: 32, SubgroupMin: 8, SubgroupMax: 32, SubgroupSizeControl: true},
	{Index: 1, Name: "Card 9", Type: "discrete", Driver: "vendor 5.1", APIVersion: [3]uint32{1, 2, 0}, MaxStorageBufferRange: 4 << 30,
		Heaps:        []vk.Heap{{Size: 64 << 30}, {Size: 12 << 30, Budget: 11 << 30, Used: 3 << 29, DeviceLocal: true}},
		MemoryTypes:  []vk.MemoryType{{HostVisible: true, HostCoherent: true}, {Heap: 1, DeviceLocal: true}},
		MemoryBudget: true, SubgroupSize: 64, SubgroupMin: 64, SubgroupMax: 64, Storage16: true, Float16: true, IntegerDotAccelerated: true},
	{Index: 2, Name: "Old", Type: "discrete", Driver: "old 1", APIVersion: [3]uint32{1, 0, 61}, SubgroupSize: 16},
}

func devicesOutput(t *testing.T, o devicesOptions, list []vk.Caps) (out, errs string) {
	t.Helper()
	var a, b strings.Builder
	s := cli.NewStreams(nil, &a, &b, noEnv)
	if err := printDevices(s, &o, list); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func TestDevicesTable(t *testing.T) {
	out, errs := devicesOutput(t, devicesOptions{}, someDevices)
	const want = `    NAME       TYPE        DRIVER      VULKAN  MEMORY  FREE     SUBGROUP  STORAGE          SHARD    KERNELS
 0  Onboard 7  integrated  mesa 24.1   1.3.2   96 GiB  unknown  8-32+     32bit            1 GiB    not yet
*1  Card 9     discrete    vendor 5.1  1.2.0   12 GiB  9.5 GiB  64        16bit,fp16,dot8  1 GiB    not yet
 2  Old        discrete    old 1       1.0.61  none    none     16        32bit            128 MiB  not yet
`
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if !strings.Contains(errs, "Old speaks Vulkan 1.0, 1.1 is needed") {
		t.Errorf("nothing said about the device that cannot be used: %q", errs)
	}
	out, _ = devicesOutput(t, devicesOptions{deviceOptions: deviceOptions{Device: "onboard"}}, someDevices)
	if !strings.Contains(out, "*0  Onboard 7") || strings.Contains(out, "*1") {
		t.Errorf("the star is not at the device asked for:\n%s", out)
	}
}

func TestDevicesJSON(t *testing.T) {
	out, _ := devicesOutput(t, devicesOptions{JSON: true}, someDevices)
	var list []map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 3 {
		t.Fatalf("%d devices, %v in %s", len(list), err, out)
	}
	for i, want := range []map[string]any{
		{"name": "Onboard 7", "chosen": false, "shard_limit": float64(1 << 30), "problem": nil},
		{"name": "Card 9", "chosen": true, "subgroup_size": 64.0, "float16": true, "problem": nil},
		{"name": "Old", "chosen": false, "index": 2.0, "problem": "vk: unsupported by the device: Old speaks Vulkan 1.0, 1.1 is needed; update its driver"},
	} {
		for key, value := range want {
			if list[i][key] != value {
				t.Errorf("device %d: %s is %v, want %v", i, key, list[i][key], value)
			}
		}
	}
}

// The real list has every device that tests run on, and marks the one asked for.
func TestDevicesOfThisMachine(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		var starred string
		o := invoke("devices", "--device", device)
		for line := range strings.Lines(o.out) {
			if strings.HasPrefix(line, "*") {
				starred += line
			}
		}
		if o.code != cli.ExitOK || !strings.Contains(starred, device) || strings.Count(starred, "\n") != 1 {
			t.Errorf("exit status %d, starred %q, errors %q", o.code, starred, o.err)
		}
	})
}

// A software driver's memory is the host's: devices shows what run plans with.
func TestDevicesShowHostMemory(t *testing.T) {
	total := fit.WithHost(vk.Caps{Type: "cpu", Heaps: []vk.Heap{{Size: 1, DeviceLocal: true}}, MemoryTypes: []vk.MemoryType{{DeviceLocal: true}}}).Heaps[0].Size
	eachDevice(t, func(t *testing.T, device string) {
		for line := range strings.Lines(invoke("devices", "--device", device).out) {
			if strings.HasPrefix(line, "*") && !strings.Contains(line, cli.Size(total)) {
				t.Errorf("the host has %s: %s", cli.Size(total), line)
			}
		}
	})
}

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 200 << 20: "200 MiB", 12 << 30: "12 GiB",
		1<<40 + 1: "1.0 TiB", 5000 << 40: "5000 TiB"} {
		if got := cli.Size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A variable that names no device does not hide what devices there are: that list is what the user needs.
func TestDevicesWithStaleVariable(t *testing.T) {
	o := invocation{env: map[string]string{"MUNINN_DEVICE": "stale"}}.run("devices")
	o.wants(t, cli.ExitOK, firstDevice(t), "MUNINN_DEVICE")
	if strings.Contains(o.out, "*") {
		t.Errorf("a device is marked: %s", o.out)
	}
}

// A seed means the same to every verb that takes one.
func TestSeedsMeanTheSame(t *testing.T) {
	for _, seed := range []string{"0", "random"} {
		o := invocation{env: map[string]string{"MUNINN_SEED": seed}}.run("demo", "--problems", "1", "--device", firstDevice(t))
		o.wants(t, cli.ExitOK, "seed", "")
		if fixed := strings.Contains(o.out, "seed    0;"); fixed != (seed == "0") {
			t.Errorf("seed %s: %.400s", seed, o.out)
		}
	}
}

// -v says what is chosen for each device and why.
func TestDevicesVerbose(t *testing.T) {
	got := invoke("devices", "-v")
	for _, choice := range []string{`texel buffers +true +the driver reads storage buffers lane by lane`, `fixed rows +true +the driver does not unroll loops`,
		`unrolled loops +false +the driver runs them at a fifth of the speed .*\(measured by this project\)`} {
		if !regexp.MustCompile(choice).MatchString(got.out) {
			t.Errorf("no %s in\n%s", choice, got.out)
		}
	}
}

// Every verb that opens a device says which: index, name, type and driver.
func TestDeviceIsNamed(t *testing.T) {
	list, err := vk.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		index := fmt.Sprint(c.Index)
		invoke("check", "--device", index, "--match", "initstate/").wants(t, cli.ExitOK, "",
			fmt.Sprintf("device %d: %s (%s, %s); asked for as %q\n", c.Index, c.Name, c.Type, c.Driver, index))
	}
	absent := fmt.Sprint(len(list))
	invoke("check", "--device", absent).wants(t, cli.ExitDevice, "", "no such device: "+absent+"; there is only 0: "+list[0].Name)
}
