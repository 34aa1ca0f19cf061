package shaders

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/recorded"
)

var (
	lavapipe = vk.Caps{Type: "cpu", SubgroupSize: 8, IntegerDot: true, MaxStorageBuffers: 16, MaxTexels: 1 << 27, MaxStorageBufferRange: 128 << 20, OffsetAlignment: 16, TexelAlignment: 16}
	swift    = vk.Caps{Type: "cpu", DriverID: 10, SubgroupSize: 4, IntegerDot: true, MaxStorageBuffers: 16, MaxTexels: 1 << 27, MaxStorageBufferRange: 128 << 20, OffsetAlignment: 16, TexelAlignment: 16}
	gpu      = vk.Caps{Type: "discrete", SubgroupSize: 32, IntegerDot: true, IntegerDotAccelerated: true, MaxStorageBuffers: 16, MaxWorkgroupInvocations: 1024, MaxWorkgroupSize: [3]uint32{1024, 1024, 64}}
)

// Int8 activations are chosen where a GPU says that it is fast at them, and on the CPU devices where that was measured.
func TestInt8Pays(t *testing.T) {
	slow := gpu
	slow.IntegerDotAccelerated = false
	for _, c := range []struct {
		name            string
		caps            vk.Caps
		q8, q4, written bool
	}{{"GPU that accelerates them", gpu, true, true, true}, {"GPU that emulates them", slow, false, false, false},
		{"lavapipe", lavapipe, true, true, true}, {"SwiftShader", swift, true, false, false}} {
		tuned := Tune(c.caps, c.caps.SubgroupSize, Options{})
		if q8, q4 := tuned.PaysInt8(format.Q8_0, 1), tuned.PaysInt8(format.Q4_0, 1); q8 != c.q8 || q4 != c.q4 {
			t.Errorf("%s: q8_0 %v, q4_0 %v", c.name, q8, q4)
		}
		if got := tuned.WritesInt8(format.Q8_0, 1); got != c.written {
			t.Errorf("%s: attention and swiglu write int8: %v", c.name, got)
		}
		asked := Tune(c.caps, c.caps.SubgroupSize, Options{Activations: Int8Activations})
		floats := Tune(c.caps, c.caps.SubgroupSize, Options{Activations: FloatActivations})
		if !asked.WritesInt8(format.Q4_0, 1) || floats.WritesInt8(format.Q8_0, 1) || asked.Int8Written != asked.CanWriteInt8() {
			t.Errorf("%s: attention and swiglu do not write int8 when asked, or do when not", c.name)
		}
	}
	for i, name := range ActivationNames() {
		if a, err := ParseActivations(name); err != nil || a != Activations(i) {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	if _, err := ParseActivations("int8"); err == nil {
		t.Error("int8 is taken for a name")
	}
}

// GPUs of a vendor take the subgroup size, the rows and the dot products that do best there.
func TestVendors(t *testing.T) {
	list := recorded.Devices()
	var more []vk.Caps
	data, err := os.ReadFile("../vk/testdata/caps.json")
	if err = errors.Join(err, json.Unmarshal(data, &more)); err != nil {
		t.Fatal(err)
	}
	device := func(name string, change ...func(*vk.Caps)) vk.Caps {
		for _, c := range slices.Concat(list, more) {
			if strings.Contains(c.Name, name) {
				for _, f := range change {
					f(&c)
				}
				return c
			}
		}
		t.Fatal("not recorded: ", name)
		return vk.Caps{}
	}
	xe2 := func(c *vk.Caps) { c.SubgroupMin = 16 }
	mesa := func(c *vk.Caps) { c.MaxSubgroups = 64 }
	untold := func(c *vk.Caps) { c.SubgroupSizeControl = false }
	kepler := func(c *vk.Caps) { c.DeviceID, c.IntegerDot = 0x1180, false }
	small := func(c *vk.Caps) { c.SubgroupSize = 64 }
	mesa26 := func(c *vk.Caps) { c.DriverVersion = 26<<22 | 2<<12 | 6 }
	for _, c := range []struct {
		caps            vk.Caps
		subgroup, lanes uint32 // lanes of a norm
		rows            int
		dot             Dot
		int8            bool
	}{
		{device("A770", mesa), 8, 512, 4, SignedDot, true},
		{device("RPL-U"), 8, 1024, 4, SignedDot, true},
		{device("A770", mesa, xe2), 16, 1024, 4, SignedDot, true},
		{device("A770", untold), 32, 1024, 4, SignedDot, true},
		{device("Adreno (TM) 618"), 64, 1024, 2, SignedDot, false},
		{device("Adreno (TM) 740"), 64, 1024, 4, MixedDot, true},
		{device("Adreno (TM) 740", untold), 128, 1024, 4, MixedDot, true},
		{device("Adreno (TM) 740", small), 64, 1024, 4, MixedDot, true},
		{device("RTX 4060"), 32, 1024, 8, SignedDot, true},
		{device("RTX 4060", kepler), 32, 1024, 2, SignedDot, false},
		{device("RX 6600"), 64, 1024, 8, SignedDot, false}, // by a quirk
		{device("POLARIS10"), 64, 1024, 8, SignedDot, false},
		{device("llvmpipe"), 8, 8, 16, Apart, true},
		{device("llvmpipe", mesa26), 8, 8, 8, Apart, true},
		{device("SwiftShader"), 4, 4, 4, SignedDot, true},
	} {
		tuned := Tune(c.caps, c.caps.SubgroupSize, Options{})
		if tuned.Subgroup != c.subgroup || tuned.NormLanes != c.lanes || tuned.XRows != c.rows || tuned.Dot != c.dot || tuned.PaysInt8(format.Q8_0, 1) != c.int8 {
			t.Errorf("%s: %+v; want %d, norms of %d, %d rows of x, dot %v, int8 %v", c.caps.Name, tuned.Settings(), c.subgroup, c.lanes, c.rows, c.dot, c.int8)
		}
		if asked := Tune(c.caps, c.caps.SubgroupSize, Options{Reduction: Subgroup, Dot: MixedDot}); asked.Subgroup != c.subgroup || asked.Dot != MixedDot {
			t.Errorf("%s: asked for, subgroups of %d, dot %v", c.caps.Name, asked.Subgroup, asked.Dot)
		}
	}
}

// What is taken away stays away, with what rests on it; what the options ask for comes first. Every choice gives a reason.
func TestTune(t *testing.T) {
	value := func(tuned Tuning, name string) string {
		i := slices.IndexFunc(tuned.Settings(), func(s Setting) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("there is no choice %q", name)
		}
		return tuned.Settings()[i].Value + ", " + tuned.Settings()[i].Why
	}
	metal, radeon, roomy := gpu, gpu, gpu
	roomy.MaxSharedMemory = 48 << 10
	metal.DriverID, radeon.DriverID, radeon.VendorID, radeon.DeviceID = 14, 1, 0x1002, 0x73bf
	dots := gpu
	dots.IntegerDot, dots.IntegerDotAccelerated, dots.MaxStorageBuffers, dots.MaxSharedMemory = true, true, 64, 1<<16
	gpuOf := func(vendor, id uint32) vk.Caps {
		c := dots
		c.VendorID, c.DeviceID = vendor, id
		return c
	}
	intel := gpu
	intel.VendorID = vk.VendorIntel
	alchemist := intel
	alchemist.Matrices = []vk.Matrix{{M: 8, N: 8, K: 16}}
	newest := lavapipe
	newest.DriverID, newest.DriverVersion = 13, 26<<22|2<<12|6
	broken := Off{Name: "subgroup", Why: "the driver's are broken"}
	units, cpuUnits := gpu, lavapipe
	units.Matrices, cpuUnits.Matrices = []vk.Matrix{{M: 64, N: 16, K: 16}, {M: 8, N: 8, K: 16}}, []vk.Matrix{{M: 8, N: 8, K: 8}}
	for _, c := range []struct {
		name, want string
		tuned      Tuning
	}{
		{"subgroup", "32, a size that can be counted on", Tune(gpu, 32, Options{})},
		{"subgroup", "0, the driver's are broken", Tune(gpu, 32, Options{Off: []Off{broken}})},
		{"fixed rows", "true, there are no others without subgroups", Tune(gpu, 32, Options{Off: []Off{broken}})},
		{"int8 q8_0", "false, see int8", Tune(gpu, 32, Options{Off: []Off{broken}})},
		{"subgroup", "32, asked for", Tune(gpu, 32, Options{Reduction: Subgroup, Off: []Off{broken}})},
		{"subgroup", "0, asked for", Tune(gpu, 32, Options{Reduction: SharedMemory})},
		{"texel buffers", "true, the driver reads storage buffers lane by lane", Tune(lavapipe, 8, Options{})},
		{"texel buffers of blocks", "true, see texel buffers", Tune(lavapipe, 8, Options{})},
		{"texel buffers of blocks", "false, measured on this driver", Tune(newest, 8, Options{})},
		{"texel buffers of blocks", "false, see texel buffers", Tune(newest, 8, Options{Loads: StorageBuffers})},
		{"texel buffers", "false, asked for", Tune(lavapipe, 8, Options{Loads: StorageBuffers})},
		{"weight rows", "4, few registers", Tune(lavapipe, 8, Options{Off: []Off{{Name: "texel buffers", Why: "wrong"}}})},
		{"weight rows", "16, few registers: 4 a lane", Tune(gpu, 32, Options{})},
		{"weight rows", "4, few registers", Tune(gpu, 32, Options{Off: []Off{{Name: "gemv lanes", Why: "found"}}})},
		{"gemv lanes", "256, few loads of a row wait for each other", Tune(gpu, 32, Options{})},
		{"gemv lanes", "128, few loads of a row wait for each other; more would be few workgroups a core", Tune(gpu, 8, Options{})},
		{"gemv lanes", "0, no fixed kernel has them", Tune(gpu, 0, Options{})},
		{"gemv lanes", "0, a subgroup is all that runs side by side", Tune(lavapipe, 8, Options{})},
		{"gemv lanes", "32, asked for", Tune(lavapipe, 8, Options{GEMV: GEMV{Groups: 4}})},
		{"x rows", "4, found", Tune(gpu, 32, Options{Off: []Off{{Name: "x rows", Most: 4, Why: "found"}}})},
		{"x rows", "1, found too", Tune(gpu, 32, Options{Off: []Off{{Name: "x rows", Most: 4, Why: "found"}, {Name: "x rows", Most: 1, Why: "found too"}}})},
		{"x rows", "8, few registers", Tune(gpu, 32, Options{Off: []Off{{Name: "x rows", Most: 16, Why: "no less"}}})},
		{"gemv rows", "1048576, see tiles", Tune(gpu, 32, Options{Off: []Off{{Name: "tiles", Why: "wrong"}}})},
		{"gemv rows", "16, more rows are faster in tiles of shared memory", Tune(gpu, 32, Options{Off: []Off{{Name: "gemv rows", Why: "is no choice to do without"}}})},
		{"attention queries", "4, little shared memory", Tune(gpu, 32, Options{})},
		{"attention queries", "16, loads side by side, shared by rows and by heads of a key", Tune(roomy, 32, Options{})},
		{"attention queries", "0, barriers are switches between coroutines, and no load waits", Tune(swift, 4, Options{})},
		{"attention queries", "0, see tiles", Tune(gpu, 32, Options{Off: []Off{{Name: "tiles", Why: "wrong"}}})},
		{"arrivals", "true, barriers reach the whole device", Tune(gpu, 32, Options{})},
		{"norm lanes", "1024, as many as the device allows, up to 1024: the fewest loads that wait for each other", Tune(gpu, 32, Options{})},
		{"norm lanes", "0, see subgroup", Tune(gpu, 0, Options{})},
		{"norm lanes", "0, wrong", Tune(gpu, 32, Options{Off: []Off{{Name: "norm lanes", Why: "wrong"}}})},
		{"norm lanes", "32, asked for", Tune(gpu, 32, Options{Norms: NormsInSubgroup})},
		{"norm lanes", "8, a subgroup is all that runs side by side", Tune(lavapipe, 8, Options{})},
		{"norm rows", "0, the GPU would wait for a norm on one subgroup", Tune(gpu, 32, Options{})},
		{"norm rows", "0, the GPU would wait for a norm on one subgroup", Tune(gpu, 0, Options{})},
		{"norm rows", "4, one workgroup norms them as quickly as a dispatch of its own", Tune(lavapipe, 8, Options{})},
		{"norm rows", "0, see gemv lanes", Tune(gpu, 32, Options{Norms: NormsInSubgroup})},
		{"norm rows", "4, one workgroup norms them as quickly as a dispatch of its own", Tune(gpu, 32, Options{Norms: NormsInSubgroup, Off: []Off{{Name: "gemv lanes", Why: "found"}}})},
		{"arrivals", "false, the driver may order memory within a workgroup only (MoltenVK issue 2497, SPIRV-Cross issue 2473)", Tune(metal, 32, Options{})},
		{"arrivals", "false, found", Tune(metal, 32, Options{Off: []Off{{Name: "arrivals", Why: "found"}}})},
		{"int8 tiles", "true, the device is fast at dot products, or they were asked for", Tune(dots, 32, Options{})},
		{"int8 tiles", "false, see tiles", Tune(dots, 32, Options{Off: []Off{{Name: "tiles", Why: "wrong"}}})},
		{"int8 tiles", "false, wrong", Tune(dots, 32, Options{Off: []Off{{Name: "int8 tiles", Why: "wrong"}}})},
		{"int8 tiles", "false, see int8", Tune(dots, 32, Options{Activations: FloatActivations})},
		{"int8 tiles", "false, matrix units are faster", Tune(units, 32, Options{})},
		{"int8 tiles", "false, nothing says that it pays", Tune(lavapipe, 8, Options{})},
		{"int8 tiles", "true, the device is fast at dot products, or they were asked for", Tune(lavapipe, 8, Options{Activations: Int8Activations})},
		{"tile results", "8, registers for 64 sums", Tune(dots, 32, Options{})},
		{"tile results", "4, found", Tune(dots, 32, Options{Off: []Off{{Name: "tile results", Most: 4, Why: "found"}}})},
		{"tile results", "4, few registers: more results spill them", Tune(intel, 8, Options{})},
		{"tile results", "4, few registers: more results spill them", Tune(gpuOf(vk.VendorQualcomm, 0x06060001), 64, Options{})},
		{"tile results", "8, registers for 64 sums", Tune(gpuOf(vk.VendorQualcomm, 0x07030001), 64, Options{})},
		{"tile results", "4, few registers: more results spill them", Tune(gpuOf(0x106b, 1), 32, Options{})},
		{"tiles", "false, few registers a lane: tiles spill them 16 to 170 times", Tune(gpuOf(vk.VendorNVIDIA, 0x1180), 32, Options{})},
		{"tiles", "false, few registers a lane: tiles spill them 16 to 170 times", Tune(gpuOf(vk.VendorIntel, 0x1616), 8, Options{})},
		{"tiles", "true, rows share what is read", Tune(gpuOf(vk.VendorIntel, 0x1912), 8, Options{})},
		{"matrix units", "true, the device has them", Tune(units, 32, Options{})},
		{"matrix units", "false, the device has none that are known", Tune(gpu, 32, Options{Matrices: MatrixUnits})},
		{"matrix units", "true, the device has them", Tune(alchemist, 8, Options{})},
		{"matrix units", "false, see subgroup", Tune(units, 0, Options{})},
		{"matrix units", "false, see tiles", Tune(units, 32, Options{Off: []Off{{Name: "tiles", Why: "wrong"}}})},
		{"matrix units", "false, wrong", Tune(units, 32, Options{Off: []Off{{Name: "matrix units", Why: "wrong"}}})},
		{"matrix units", "false, asked for", Tune(units, 32, Options{Matrices: FloatTiles})},
		{"matrix units", "false, asked for", Tune(units, 32, Options{Activations: FloatActivations})},
		{"matrix units", "true, asked for", Tune(units, 32, Options{Activations: FloatActivations, Matrices: MatrixUnits})},
		{"matrix units", "false, a CPU's driver multiplies them number by number", Tune(cpuUnits, 8, Options{})},
		{"matrix units", "true, asked for", Tune(cpuUnits, 8, Options{Matrices: MatrixUnits})},
		{"int8 q8_0", "false, see int8", Tune(radeon, 64, Options{Activations: Int8Activations})},
		{"unrolled loops", "true, nothing else is known of the driver", Tune(lavapipe, 4, Options{})},
		{"unrolled loops", "false, the driver runs them at a fifth of the speed and takes gigabytes to compile them (measured by this project)", Tune(swift, 4, Options{})},
		{"norm rows", "0, see arrivals", Tune(lavapipe, 8, Options{Off: []Off{{Name: "arrivals", Why: "found"}}})},
		{"pass rows", "128, a CPU is busy with fewer, and is interrupted sooner", Tune(swift, 4, Options{})},
	} {
		if got := value(c.tuned, c.name); got != c.want {
			t.Errorf("%s is %s; want %s", c.name, got, c.want)
		}
		for _, s := range c.tuned.Settings() {
			if s.Why == "" {
				t.Errorf("%s has no reason", s.Name)
			}
		}
	}
}

// What is known of drivers takes choices away that there are, and that can be done without.
func TestQuirksAreOfChoices(t *testing.T) {
	var choices []string
	for _, row := range tunings {
		if row.off {
			choices = append(choices, row.name)
		}
	}
	for _, q := range vk.Quirks() {
		if !slices.Contains(choices, q.Off) {
			t.Errorf("%s takes away %q, which is none of %q", q.Source, q.Off, choices)
		}
	}
}

// Only the table asks whether a device is a CPU, beside package vk and what tells users so, and which driver it has vk alone.
func TestChoicesAreInOneTable(t *testing.T) {
	says := []string{"shaders/tuning.go", "shaders/tuning_rules.go", "shaders/measured.go", "cmd/muninn/demo.go", "model/options.go", "model/fit/host.go"}
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (path == "vk" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return errSkip(err)
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if strings.Contains(string(text), ".IsCPU()") && !slices.Contains(says, path) {
			t.Errorf("%s asks whether a device is a CPU: what follows from that is a row of shaders/tuning.go", path)
		}
		if strings.Contains(string(text), ".DriverID") {
			t.Errorf("%s asks which driver a device has: what is known of drivers is a row of vk/quirks.go", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func errSkip(err error) error {
	if err == nil {
		err = fs.SkipDir
	}
	return err
}
