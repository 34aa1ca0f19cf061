package vk

import (
	"slices"
	"strings"
	"testing"
)

// Each row of the table applies to the device that its source is about, and not to its neighbours: another device of the
// driver, another driver for the device, a newer version.
func TestQuirks(t *testing.T) {
	r := recordedCaps(t)
	mac := r["Apple M2"]
	mac.VendorID, mac.DeviceID, mac.Name = 0x1002, 0x7340, "AMD Radeon Pro 5500M"
	iris := r["Apple M2"]
	iris.VendorID, iris.DeviceID, iris.Name = 0x8086, 0x3e9b, "Intel(R) UHD Graphics 630"
	navi48 := r["AMD Radeon RX 6600"]
	navi48.DeviceID, navi48.Name = 0x7550, "AMD Radeon RX 9070 XT"
	adreno := Caps{Name: "Adreno (TM) 750", Type: "integrated", DriverID: 8, VendorID: 0x5143, DeviceID: 0x43051401, DriverVersion: version(512, 762, 40)}
	a840 := adreno
	a840.Name, a840.DeviceID, a840.DriverVersion = "Adreno (TM) 840", 0x44050a31, version(512, 842, 25)
	device := func(id uint32) func(*Caps) { return func(c *Caps) { c.DeviceID = id } }
	driver := func(id uint32) func(*Caps) { return func(c *Caps) { c.DriverID = id } }
	vendor := func(id uint32) func(*Caps) { return func(c *Caps) { c.VendorID = id } }
	newer := func(a, b, d uint32) func(*Caps) { return func(c *Caps) { c.DriverVersion = version(a, b, d) } }
	seen := make(map[string]bool)
	for _, row := range []struct {
		source string
		on     []Caps
		not    map[string]func(*Caps)
	}{
		{"MoltenVK issue 2497, SPIRV-Cross issue 2473", []Caps{r["Apple M2"], r["Apple M3 Max"], mac}, map[string]func(*Caps){"Honeykrisp": driver(26), "KosmicKrisp": driver(28)}},
		{"llama.cpp issue 15846, PR 15886", []Caps{mac}, map[string]func(*Caps){"an Apple GPU": vendor(0x106b), "RADV": driver(3)}},
		{"MoltenVK PR 2755", []Caps{iris}, map[string]func(*Caps){"an Apple GPU": vendor(0x106b), "ANV": driver(6)}},
		{"llama.cpp issue 10710, audio.cpp PR 193", []Caps{r["AMD Radeon RX 6600"], r["AMD Radeon RX 6700 XT"], r["AMD Radeon(TM) Graphics"]},
			map[string]func(*Caps){"RADV": driver(3), "AMDVLK": driver(2), "RX 7900 XTX": device(0x744c), "RX 7600": device(0x7480), "780M": device(0x15bf), "8060S": device(0x1586)}},
		{"llama.cpp issue 27007", []Caps{navi48}, map[string]func(*Caps){"RADV": driver(3), "RX 7900 XTX": device(0x744c), "8060S": device(0x1586)}},
		{"llama.cpp PR 29165, ncnn issue 6778", []Caps{adreno}, map[string]func(*Caps){"Turnip": driver(18), "a newer version": newer(512, 800, 64), "the first without": newer(512, 800, 0)}},
		{"audio.cpp issue 453", []Caps{adreno, a840}, map[string]func(*Caps){"Turnip": driver(18)}},
		{"measured by this project", []Caps{r["SwiftShader Device (Subzero)"]}, map[string]func(*Caps){"lavapipe": driver(13)}},
	} {
		has := func(c Caps) bool {
			return slices.ContainsFunc(c.Quirks(), func(q Quirk) bool { return q.Source == row.source })
		}
		seen[row.source] = true
		for _, c := range row.on {
			if !has(c) {
				t.Errorf("%s does not apply to %s", row.source, c.Name)
			}
			for name, change := range row.not {
				if change(&c); has(c) {
					t.Errorf("%s applies to %s", row.source, name)
				}
				c = row.on[0]
			}
		}
	}
	for _, q := range Quirks() {
		if !seen[q.Source] {
			t.Errorf("no test of %s", q.Source)
		}
		if q.Off == "" || q.Why == "" || strings.ContainsAny(q.Why, ".\n") {
			t.Errorf("%+v: a choice, and one sentence that follows a colon", q)
		}
	}
	for _, name := range []string{"NVIDIA GeForce RTX 4060", "AMD Radeon Graphics (RADV RENOIR)", "Intel(R) Arc(tm) A770 Graphics (DG2)", "llvmpipe (LLVM 15.0.6, 256 bits)"} {
		if q := r[name].Quirks(); len(q) != 0 {
			t.Errorf("%s: %+v", name, q)
		}
	}
}
