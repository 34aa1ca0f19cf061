package vk

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// recordedCaps reads testdata/caps.json, devices as this package saw them (lavapipe, SwiftShader) and one written by
// hand (V3D), and the GPUs of recorded/devices.json.
func recordedCaps(t *testing.T) map[string]Caps {
	t.Helper()
	m := make(map[string]Caps)
	for _, path := range []string{"testdata/caps.json", "recorded/devices.json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var list []Caps
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, c := range list {
			if _, twice := m[c.Name]; twice {
				t.Fatalf("%s: %s is there twice", path, c.Name)
			}
			m[c.Name] = c
		}
	}
	return m
}

func TestDecisionsOnRecordedDevices(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name                    string
		shard, block            uint64
		local, upload, readback int // memory type indices
		uma                     bool
	}{
		{"llvmpipe (LLVM 15.0.6, 256 bits)", 128 * mib, 256 * mib, 0, 0, 0, true},
		{"SwiftShader Device (Subzero)", 512 * mib, 256 * mib, 0, 0, 0, true},
		// Plain VRAM comes first in the list; the small mappable window of it must not hold weights.
		{"NVIDIA GeForce GTX 1650", 1024 * mib, 256 * mib, 1, 2, 3, false},
		{"NVIDIA GeForce RTX 3060", 1024 * mib, 256 * mib, 1, 2, 3, false},
		{"NVIDIA GeForce RTX 3090", 1024 * mib, 256 * mib, 1, 3, 4, false},
		{"AMD Radeon RX 470 Graphics (RADV POLARIS10)", 1024 * mib, 256 * mib, 0, 2, 5, false},
		{"AMD Radeon RX 6600", 1024 * mib, 256 * mib, 0, 1, 3, false},
		{"AMD Radeon RX 6700 XT", 1024 * mib, 256 * mib, 0, 1, 3, false},
		{"Intel(R) Arc(tm) A770 Graphics (DG2)", 1024 * mib, 256 * mib, 0, 1, 1, false},
		// Integrated: the weights go where the host can write them.
		{"AMD Radeon(TM) Graphics", 1024 * mib, 256 * mib, 2, 1, 3, true},
		{"AMD Radeon Graphics (RADV RENOIR)", 1024 * mib, 256 * mib, 3, 2, 5, true},
		{"Intel(R) Iris(R) Xe Graphics (RPL-U)", 1024 * mib, 256 * mib, 1, 1, 2, true},
		{"Apple M2", 1024 * mib, 256 * mib, 1, 1, 1, true},
		// 128 MiB is all that a weak device must bind.
		{"V3D 4.2", 128 * mib, 256 * mib, 0, 0, 0, true},
	} {
		caps, ok := recordedCaps(t)[c.name]
		if !ok {
			t.Fatalf("%s is not recorded", c.name)
		}
		if got := caps.ShardLimit(); got != c.shard {
			t.Errorf("%s: shard limit %d MiB, want %d", c.name, got/mib, c.shard/mib)
		}
		if got := caps.uma(); got != c.uma {
			t.Errorf("%s: UMA %v, want %v", c.name, got, c.uma)
		}
		for m, want := range map[Memory]int{DeviceLocal: c.local, Upload: c.upload, Readback: c.readback} {
			if got := caps.memoryTypes(m, ^uint32(0)); len(got) == 0 || got[0] != want {
				t.Errorf("%s: %s memory is of types %d, want %d", c.name, m, got, want)
			}
		}
		heap := caps.Heaps[caps.MemoryTypes[c.local].Heap].Size
		if got := caps.blockLimit(heap); got != min(c.block, heap/8) {
			t.Errorf("%s: blocks of %d MiB, want %d", c.name, got/mib, min(c.block, heap/8)/mib)
		}
	}
}

func TestShardLimitEdges(t *testing.T) {
	for _, c := range []struct {
		name string
		caps Caps
		want uint64
	}{
		{"a range of 0 is the guaranteed one", Caps{}, 128 << 20},
		{"half of the largest allocation", Caps{MaxStorageBufferRange: 1 << 32, MaxAllocation: 1 << 28}, 1 << 27},
		{"the largest buffer", Caps{MaxStorageBufferRange: 1 << 32, MaxAllocation: 1 << 32, MaxBufferSize: 1 << 26}, 1 << 26},
		{"whole alignments", Caps{MaxStorageBufferRange: 1<<20 + 255}, 1 << 20},
		{"an absurd allocation limit", Caps{MaxStorageBufferRange: 1 << 30, MaxAllocation: 1}, 256},
	} {
		if got := c.caps.ShardLimit(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestOldDeviceIsRefusedByName(t *testing.T) {
	err := Caps{Name: "Old Card", APIVersion: [3]uint32{1, 0, 65}}.Supported()
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "Old Card") {
		t.Errorf("Vulkan 1.0: %v", err)
	}
	if err := (Caps{APIVersion: [3]uint32{1, 1, 0}}).Supported(); err != nil {
		t.Errorf("Vulkan 1.1: %v", err)
	}
}

// The subgroup size that a driver merely reports is none: it must be the only one, or one that can be required.
func TestFixedSubgroup(t *testing.T) {
	r := recordedCaps(t)
	old, unfilled, wide := r["Intel(R) Iris(R) Xe Graphics"], r["Intel(R) Iris(R) Xe Graphics"], r["AMD Radeon RX 6600"]
	old.SubgroupMin, old.SubgroupMax, old.SubgroupSizeControl = 0, 0, false
	unfilled.FullSubgroups, wide.SubgroupSize = false, 128
	for _, c := range []struct {
		caps    Caps
		want    uint32
		chooses bool
	}{
		{r["llvmpipe (LLVM 15.0.6, 256 bits)"], 8, false},
		{r["AMD Radeon RX 6600"], 64, true},
		{r["AMD Radeon Graphics (RADV RENOIR)"], 64, false},
		{r["NVIDIA GeForce RTX 4060"], 32, false},
		{r["Intel(R) Arc(tm) A770 Graphics (DG2)"], 32, true},
		{r["Apple M2"], 0, false},
		{r["V3D 4.2"], 0, false},
		{old, 0, false},
		{unfilled, 0, true},
		{wide, 0, true},
	} {
		if got := c.caps.fixedSubgroup(); got != c.want || c.caps.choosesSubgroup() != c.chooses {
			t.Errorf("%s: %d, want %d; chooses %v", c.caps.Name, got, c.want, c.caps.choosesSubgroup())
		}
		if c.caps.DriverID == 0 || c.caps.VendorID == 0 {
			t.Errorf("%s: driver %d of vendor %d", c.caps.Name, c.caps.DriverID, c.caps.VendorID)
		}
	}
}

// Other sizes are guaranteed as well where they can be required.
func TestGuarantees(t *testing.T) {
	for name, want := range map[string][]uint32{
		"Intel(R) Arc(tm) A770 Graphics (DG2)": {8, 16, 32}, "AMD Radeon RX 6600": {32, 64}, "Turnip Adreno (TM) 618": {64, 128},
		"NVIDIA GeForce RTX 4060": {32}, "Apple M2": nil, "V3D 4.2": nil,
	} {
		c := recordedCaps(t)[name]
		for size := range uint32(257) {
			if got := c.Guarantees(size); got != slices.Contains(want, size) {
				t.Errorf("%s guarantees %d: %v", name, size, got)
			}
		}
	}
}

func TestKernelsThatDoNotFit(t *testing.T) {
	c := recordedCaps(t)["SwiftShader Device (Subzero)"]
	fits := signature{LocalSize: [3]uint32{64, 1, 1}, LocalSizeSpec: [3]int64{0, -1, -1}, PushBytes: 16, Bindings: []bufferUse{{Index: 3}}, Capabilities: []uint32{1, 61, 63}}
	if err := c.accepts(fits, KernelOptions{SubgroupSize: 4}, 0); err != nil {
		t.Fatalf("a kernel that fits: %v", err)
	}
	units, product := c, fits
	units.Matrices, product.Capabilities = []Matrix{{16, 16, 16}}, []uint32{1, 9, 5345, 6022}
	if err := units.accepts(product, KernelOptions{SubgroupSize: 4}, 0); err != nil {
		t.Errorf("a kernel of matrices that fits: %v", err)
	}
	for name, change := range map[string]func(*signature, *KernelOptions, *Caps){
		"workgroup":        func(in *signature, o *KernelOptions, c *Caps) { o.Spec = []uint32{257} },
		"workgroup of 0":   func(in *signature, o *KernelOptions, c *Caps) { o.Spec = []uint32{0} },
		"workgroup in all": func(in *signature, o *KernelOptions, c *Caps) { in.LocalSize = [3]uint32{64, 64, 1} },
		"push constants":   func(in *signature, o *KernelOptions, c *Caps) { in.PushBytes = 132 },
		"buffers": func(in *signature, o *KernelOptions, c *Caps) {
			c.MaxStorageBuffers, in.Bindings = 1, []bufferUse{{Index: 0}, {Index: 1}}
		},
		"subgroups": func(in *signature, o *KernelOptions, c *Caps) {
			o.SubgroupSize, o.Spec, c.SubgroupMax, c.MaxSubgroups = 4, []uint32{128}, 8, 16
		},
		"integer dot": func(in *signature, o *KernelOptions, c *Caps) {
			c.IntegerDot, in.Capabilities = false, []uint32{1, 6018, 6019}
		},
		"matrix units": func(in *signature, o *KernelOptions, c *Caps) {
			in.Capabilities = []uint32{1, 9, 5345, 6022}
		},
		"capability":             func(in *signature, o *KernelOptions, c *Caps) { in.Capabilities = []uint32{1, 10} },
		"no subgroup arithmetic": func(in *signature, o *KernelOptions, c *Caps) { c.SubgroupArithmetic = false },
		"subgroup size":          func(in *signature, o *KernelOptions, c *Caps) { o.SubgroupSize = 32 },
		"subgroup size not told": func(in *signature, o *KernelOptions, c *Caps) {
			o.SubgroupSize, c.SubgroupSizeControl, c.SubgroupMax = 4, false, 8
		},
	} {
		in, o, caps := fits, KernelOptions{}, c
		change(&in, &o, &caps)
		if err := caps.accepts(in, o, 0); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", name, err)
		}
	}
}
