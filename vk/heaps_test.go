package vk

import (
	"errors"
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

func TestHeapsOfEveryLayout(t *testing.T) {
	const apu, card, intel, apple = "AMD Radeon(TM) Graphics", "AMD Radeon RX 6600", "Intel(R) Iris(R) Xe Graphics", "Apple M2"
	for _, c := range []struct {
		name                    string
		caps                    Caps
		local, upload, readback []int // heaps
		free                    uint64
	}{
		{"an APU on Windows with 256 MiB mapped beside 2 GiB", layoutOf(t, apu, true,
			[]Heap{{Size: 2 * gib, Budget: 2 * gib, DeviceLocal: true}, {Size: 8 * gib, Budget: 7 * gib}, {Size: 256 * mib, Budget: 256 * mib, DeviceLocal: true}},
			[]MemoryType{vram(0), host(1), window(2), read(1)}), []int{0, 2, 1}, []int{1, 2}, []int{1, 2}, 2 * gib},
		{"an APU whose carve-out is 512 MiB", layoutOf(t, apu, true,
			[]Heap{{Size: 512 * mib, Budget: 500 * mib, DeviceLocal: true}, {Size: 24 * gib, Budget: 23 * gib}},
			[]MemoryType{window(0), host(1), read(1)}), []int{0, 1}, []int{1, 0}, []int{1, 0}, 500 * mib},
		{"an APU of 96 GiB, split", layoutOf(t, apu, true,
			[]Heap{{Size: 32 * gib, Budget: 30 * gib, DeviceLocal: true}, {Size: 16 * gib, Budget: 15 * gib}, {Size: 64 * gib, Budget: 60 * gib, DeviceLocal: true}},
			[]MemoryType{vram(0), host(1), window(0), window(2), read(1)}), []int{2, 0, 1}, []int{1, 2, 0}, []int{1, 2, 0}, 60 * gib},
		{"a card without resizable BAR", recordedCaps(t)[card], []int{0}, []int{1, 2}, []int{1, 2}, 0},
		{"a card with it", layoutOf(t, card, true,
			[]Heap{{Size: 8 * gib, Budget: 7 * gib, Used: gib, DeviceLocal: true}, {Size: 16 * gib, Budget: 15 * gib}},
			[]MemoryType{vram(0), host(1), window(0), read(1)}), []int{0}, []int{1, 0}, []int{1, 0}, 6 * gib},
		{"a card whose memory is mapped and nothing else", layoutOf(t, card, true,
			[]Heap{{Size: 8 * gib, Budget: 7 * gib, DeviceLocal: true}, {Size: 16 * gib, Budget: 15 * gib}},
			[]MemoryType{window(0), host(1)}), []int{0}, []int{1, 0}, []int{1, 0}, 7 * gib},
		{"Apple's one memory", recordedCaps(t)[apple], []int{0}, []int{0}, []int{0}, 0},
		{"a budget above its heap", layoutOf(t, intel, true, []Heap{{Size: 38868971888, Budget: 50206003200, Used: 4096, DeviceLocal: true}},
			[]MemoryType{vram(0), window(0), read(0)}), []int{0}, []int{0}, []int{0}, 38868971888 - 4096},
		{"a budget of 0", layoutOf(t, intel, true, []Heap{{Size: 10 * gib, Used: gib, DeviceLocal: true}}, []MemoryType{window(0)}),
			[]int{0}, []int{0}, []int{0}, 7 * gib},
		{"a type of a heap that is not there", layoutOf(t, card, true, []Heap{{Size: gib, Budget: gib, DeviceLocal: true}}, []MemoryType{vram(3), vram(0), host(0)}),
			[]int{0}, []int{0}, []int{0}, gib},
	} {
		for m, want := range map[Memory][]int{DeviceLocal: c.local, Upload: c.upload, Readback: c.readback} {
			if got := c.caps.HeapsOf(m); !slices.Equal(got, want) {
				t.Errorf("%s: %s memory is taken from heaps %d, want %d", c.name, m, got, want)
			}
		}
		if got := c.caps.Free(c.local[0]); c.free != 0 && got != c.free {
			t.Errorf("%s: %d MiB free, want %d", c.name, got/mib, c.free/mib)
		}
		for i, h := range c.caps.Heaps {
			if free := c.caps.Free(i); free > h.Size || c.caps.room(i) > free {
				t.Errorf("%s: heap %d of %d has %d free and room for %d", c.name, i, h.Size, free, c.caps.room(i))
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
