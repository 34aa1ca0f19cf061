package vk

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
)

// A layout is a recorded device with other heaps: what the same GPU shows with other settings or another driver.
func layoutOf(t *testing.T, name string, budget bool, heaps []Heap, types []MemoryType) Caps {
	t.Helper()
	c, ok := recordedCaps(t)[name]
	if !ok {
		t.Fatalf("%s is not recorded", name)
	}
	c.MemoryBudget, c.Heaps, c.MemoryTypes = budget, heaps, types
	return c
}

var (
	vram   = func(heap int) MemoryType { return MemoryType{Heap: heap, DeviceLocal: true} }
	window = func(heap int) MemoryType {
		return MemoryType{Heap: heap, DeviceLocal: true, HostVisible: true, HostCoherent: true}
	}
	host = func(heap int) MemoryType { return MemoryType{Heap: heap, HostVisible: true, HostCoherent: true} }
	read = func(heap int) MemoryType {
		return MemoryType{Heap: heap, HostVisible: true, HostCoherent: true, HostCached: true}
	}
)

const mib, gib = 1 << 20, 1 << 30

// layouts are devices whose memory others have published, or would be asked for: recorded devices, and what differs from them.
func layouts(t *testing.T) map[string]Caps {
	t.Helper()
	all := recordedCaps(t)
	b, err := os.ReadFile("testdata/layouts.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []json.RawMessage
	err = json.Unmarshal(b, &list)
	for _, text := range list {
		var like struct{ Like string }
		err = errors.Join(err, json.Unmarshal(text, &like))
		c, ok := all[like.Like]
		types := c.MemoryTypes
		c.Heaps, c.MemoryTypes = nil, nil
		if err = errors.Join(err, json.Unmarshal(text, &c)); c.MemoryTypes == nil {
			c.MemoryTypes = types
		}
		if all[c.Name] = c; !ok {
			t.Fatalf("%s is like %q, which is not recorded", c.Name, like.Like)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The memory types that somebody who knows the devices would take, best first.
func TestMemoryTypesOfEveryLayout(t *testing.T) {
	all := layouts(t)
	for _, c := range []struct {
		name                    string
		local, upload, readback []int
		free                    uint64 // MiB of the first heap for weights
	}{
		// What little the GPU has of its own, then the memory that it shares with the host, by its uncached type.
		{"Ryzen APU on Windows, 256 MiB", []int{2, 1}, []int{1, 2}, []int{3, 2}, 243},
		{"Ryzen APU on Windows, 1 GiB", []int{0, 2, 1}, []int{1, 2}, []int{3, 2}, 729},
		{"Ryzen APU on Windows, 2 GiB", []int{0, 2, 1}, []int{1, 2}, []int{3, 2}, 1702},
		{"Ryzen PRO 5850U on Windows, 4 GiB", []int{0, 2, 1}, []int{1, 2}, []int{3, 2}, 3648},
		{"AMD Radeon(TM) Graphics", []int{2, 1}, []int{1, 2}, []int{3, 2}, 7720}, // Auto: half of the memory
		{"Strix Halo on Windows, 96 GiB split", []int{2, 0, 1}, []int{1, 2}, []int{3, 2}, 62259},
		{"Strix Halo on Windows, 96 GiB", []int{2, 1}, []int{1, 2}, []int{3, 2}, 93388},
		{"AMD Radeon Graphics (RADV RENOIR)", []int{3, 2}, []int{2, 3}, []int{5, 3}, 4721},
		{"Vega 8 APU under RADV, 82 GiB of GTT", []int{3, 2}, []int{2, 3}, []int{5, 3}, 56013},
		{"APU of 4 GiB under RADV", []int{3, 2}, []int{2, 3}, []int{5, 3}, 1958},
		// A card's own memory and nothing else; its window, whether of 256 MiB or of all, is for the host to write through last.
		{"AMD Radeon RX 6600", []int{0}, []int{1, 2}, []int{3, 2}, 7147},
		{"AMD Radeon RX 6700 XT", []int{0}, []int{1, 2}, []int{3, 2}, 11658},
		{"RX 580 under RADV, 4 GiB of GTT", []int{0}, []int{2, 3}, []int{5, 3}, 7925},
		{"a card of 8 GiB under RADV, a budget below zero", []int{1, 0}, []int{2, 1}, []int{3, 1}, 7741},
		{"NVIDIA GeForce RTX 3060", []int{1}, []int{2, 4}, []int{3, 4}, 11361},
		{"NVIDIA GeForce RTX 4060", []int{1}, []int{2, 4}, []int{3, 4}, 7538},
		{"NVIDIA GeForce RTX 2050", []int{1}, []int{3, 5}, []int{4, 5}, 3369}, // in a laptop
		{"Intel(R) Arc(tm) A770 Graphics (DG2)", []int{0}, []int{1, 2}, []int{1, 2}, 14652},
		// One memory: mapped, and cached only where the host reads.
		{"Intel(R) Iris(R) Xe Graphics (RPL-U)", []int{1}, []int{1}, []int{2}, 5386},
		{"Arc B390 on Windows, a budget above its heap", []int{1}, []int{1}, []int{2}, 37068},
		{"Iris Xe, a budget of 0", []int{1}, []int{1}, []int{2}, 6553},
		{"Adreno, ranges of 128 MiB", []int{2}, []int{2}, []int{3}, 2919},
		{"Apple M2", []int{1}, []int{1}, []int{1}, 10922},
	} {
		caps, ok := all[c.name]
		if !ok {
			t.Fatalf("%s is not recorded", c.name)
		}
		for m, want := range map[Memory][]int{DeviceLocal: c.local, Upload: c.upload, Readback: c.readback} {
			if got := caps.memoryTypes(m, ^uint32(0)); !slices.Equal(got, want) {
				t.Errorf("%s: %s memory is of types %d, want %d", c.name, m, got, want)
			}
		}
		if got := caps.Free(caps.MemoryTypes[c.local[0]].Heap) / mib; got != c.free {
			t.Errorf("%s: %d MiB free, want %d", c.name, got, c.free)
		}
		for i, h := range caps.Heaps {
			if free := caps.Free(i); free > h.Size || caps.room(i) > free {
				t.Errorf("%s: heap %d of %d has %d free and room for %d", c.name, i, h.Size, free, caps.room(i))
			}
		}
	}
}

// Heaps that no device has shown yet.
func TestOddHeaps(t *testing.T) {
	card := []Heap{{Size: 8 * gib, Budget: 7 * gib, DeviceLocal: true}, {Size: 16 * gib, Budget: 15 * gib}}
	for name, c := range map[string]struct {
		heaps                   []Heap
		types                   []MemoryType
		local, upload, readback []int // heaps
	}{
		"a card whose memory is mapped and nothing else": {card, []MemoryType{window(0), host(1)}, []int{0}, []int{1, 0}, []int{1, 0}},
		"a type of a heap that is not there":             {card[:1], []MemoryType{vram(3), vram(0), host(0)}, []int{0}, []int{0}, []int{0}},
	} {
		caps := layoutOf(t, "AMD Radeon RX 6600", true, c.heaps, c.types)
		for m, want := range map[Memory][]int{DeviceLocal: c.local, Upload: c.upload, Readback: c.readback} {
			if got := caps.HeapsOf(m); !slices.Equal(got, want) {
				t.Errorf("%s: %s memory is taken from heaps %d, want %d", name, m, got, want)
			}
		}
	}
}

func TestNoFittingMemoryType(t *testing.T) {
	c := Caps{Name: "x", Heaps: []Heap{{Size: gib}}, MemoryTypes: []MemoryType{{DeviceLocal: true}}}
	if _, err := c.NewTally().Arena(Upload, []uint64{1}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("upload memory on a device without any: %v", err)
	}
	if got := c.memoryTypes(DeviceLocal, 0b10); len(got) != 0 {
		t.Errorf("a type the buffer does not allow: %d", got)
	}
}

// What is left of heaps to their drivers, in MiB.
func TestReserve(t *testing.T) {
	all := layouts(t)
	for name, want := range map[string][]uint64{
		"NVIDIA GeForce RTX 3060":              {227, 149, 64}, // a fiftieth, or 128 MiB, or an eighth
		"NVIDIA GeForce RTX 2050":              {128, 223},
		"Intel(R) Iris(R) Xe Graphics (RPL-U)": {269}, // a twentieth of a budget that all programs share
		"AMD Radeon Graphics (RADV RENOIR)":    {295, 590},
		"Vega 8 APU under RADV, 82 GiB of GTT": {1400, 2800},
		"RX 580 under RADV, 4 GiB of GTT":      {158, 491, 64}, // its own memory goes to the host's at need
		"Ryzen APU on Windows, 1 GiB":          {91, 351, 64},
		"Apple M2":                             {546},
	} {
		for i, n := range want {
			if got := all[name].Reserve(i) / mib; got != n {
				t.Errorf("%s: %d MiB of heap %d are kept, want %d", name, got, i, n)
			}
		}
	}
}

// A type with a flag that nothing here serves, as AMD's uncached ones, which a feature has to be enabled for, is for nothing.
func TestUnknownFlags(t *testing.T) {
	c := layoutOf(t, "AMD Radeon(TM) Graphics", true, []Heap{{Size: gib, Budget: gib, DeviceLocal: true}},
		[]MemoryType{memoryType(0, 0xc1), memoryType(0, 0xcf), memoryType(0, 0x27), memoryType(0, 0x11), memoryType(0, 1), memoryType(0, 15)})
	for m, want := range map[Memory][]int{DeviceLocal: {5}, Upload: {5}, Readback: {5}} {
		if got := c.memoryTypes(m, ^uint32(0)); !slices.Equal(got, want) {
			t.Errorf("%s memory is of types %d, want %d", m, got, want)
		}
	}
}

// A plan fills one heap after the other and says what has no room; a device with these heaps does the same.
func TestSeveralHeaps(t *testing.T) {
	caps := layoutOf(t, "AMD Radeon(TM) Graphics", true,
		[]Heap{{Size: 512 * mib, Budget: 512 * mib, DeviceLocal: true}, {Size: 600 * mib, Budget: 600 * mib}}, []MemoryType{vram(0), host(1), read(1)})
	spans := slices.Repeat([]uint64{200 * mib}, 5) // room for two in the first, as 64 MiB are the driver's, and for two in the other
	for n, want := range []uint64{0, 0, 0, 0, 0, 200 * mib} {
		tally := caps.NewTally()
		size, err := tally.Arena(DeviceLocal, spans[:n])
		device, other, short := tally.Taken()
		if err != nil || size != uint64(n)*200*mib || device != size || other != 0 || short != want {
			t.Errorf("%d spans: %d MiB, %d of the host, %d short (%v)", n, device/mib, other/mib, short/mib, err)
		}
	}
	f := newFake()
	d, err := newDevice(caps, f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := d.NewArena("a", DeviceLocal)
	for n, want := range []int{0, 0, 1, 1} {
		s, err := a.Alloc(spans[n])
		if err != nil || s.block.heap != want || (s.block.mapped != nil) != (want == 1) {
			t.Errorf("span %d: heap %d, %d bytes mapped (%v)", n, s.block.heap, len(s.block.mapped), err)
		}
	}
	// The first heap may have more than it says, the host's memory is not asked for more: it may be promised and not be there.
	if s, err := a.Alloc(spans[4]); err != nil || s.block.heap != 0 {
		t.Errorf("one more: heap %d (%v)", s.block.heap, err)
	}
	f.memory = 1
	var oom *OutOfMemoryError
	if _, err := a.Alloc(spans[0]); !errors.As(err, &oom) || oom.Heap != 1112*mib || oom.Used != 1000*mib {
		t.Errorf("a full device: %v", err)
	}
	a.Free()
}

// Staging has to fit as well: 2 MiB of the host's memory are too little.
func TestHostMemoryCounts(t *testing.T) {
	for size, want := range map[uint64]uint64{2 * mib: 48 * mib, 100 * mib: 16 * mib, gib: 0} {
		caps := layoutOf(t, "AMD Radeon RX 6600", true, []Heap{{Size: 8 * gib, Budget: 8 * gib, DeviceLocal: true}, {Size: size, Budget: size}},
			[]MemoryType{vram(0), host(1), read(1)})
		tally := caps.NewTally()
		_, err := tally.Arena(DeviceLocal, []uint64{gib})
		tally.Staging()
		if device, other, short := tally.Taken(); err != nil || device != gib || other != 48*mib || short != want {
			t.Errorf("%d MiB of host memory: %d on the device, %d of the host, %d short (%v)", size/mib, device/mib, other/mib, short/mib, err)
		}
	}
}
