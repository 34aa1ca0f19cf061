//go:build cgo

package vk_test

import (
	"math/rand/v2"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

// What a tally foretells is what an arena takes, for any mix of spans.
func TestTallyForetells(t *testing.T) {
	limits := func(c *vk.Caps) { c.MaxAllocation = 24 << 20 } // blocks of at most 12 MiB, so that every case comes up
	vktest.EachWith(t, vktest.Limited(vk.Options{}, limits), func(t *testing.T, d *vk.Device) {
		rng := rand.New(rand.NewPCG(4, 7))
		for range 20 {
			a := arena(t, d, vk.DeviceLocal)
			var spans []uint64
			total := uint64(0)
			for range 1 + rng.IntN(30) {
				n := 1 + rng.Uint64N(1<<(4+rng.IntN(21)))
				spans = append(spans, n)
				alloc(t, a, n)
				total += n
				if got, err := d.Caps().NewTally().Arena(vk.DeviceLocal, spans); err != nil || got != a.Size() {
					t.Fatalf("spans %v: foretold %d (%v), taken %d", spans, got, err, a.Size())
				}
			}
			if a.Size() < total {
				t.Errorf("%d bytes in an arena of %d", total, a.Size())
			}
			a.Free()
		}
	})
}

// Large spans waste nothing, however many there are.
func TestLargeSpansShareNoBlock(t *testing.T) {
	c := vk.Caps{Type: "discrete", MaxAllocation: 4 << 30, Heaps: []vk.Heap{{Size: 4 << 30, DeviceLocal: true}},
		MemoryTypes: []vk.MemoryType{{DeviceLocal: true}}}
	spans := make([]uint64, 40)
	for i := range spans {
		spans[i] = 53 << 20
	}
	if got, err := c.NewTally().Arena(vk.DeviceLocal, spans); err != nil || got != 40*53<<20 {
		t.Errorf("40 spans of 53 MiB take %d MiB (%v)", got>>20, err)
	}
	small := make([]uint64, 64)
	for i := range small {
		small[i] = 300 << 10
	}
	// Blocks of 1, 1, 2, 4, 8 and 16 MiB hold 3, 3, 6, 13, 27 and the last 12 of them.
	if got, err := c.NewTally().Arena(vk.DeviceLocal, small); err != nil || got != 32<<20 {
		t.Errorf("64 spans of 300 KiB take %d KiB (%v)", got>>10, err)
	}
	if _, err := c.NewTally().Arena(vk.Upload, spans); err == nil {
		t.Error("an arena in memory that the device lacks")
	}
}

// A device whose memory the host cannot reach makes its staging memory at the first write, of the size foretold.
func TestStagingForetells(t *testing.T) {
	vktest.EachWith(t, vktest.Staged(vk.Options{}), func(t *testing.T, d *vk.Device) {
		s := alloc(t, arena(t, d, vk.DeviceLocal), 64)
		before := d.Counters().DeviceBytes
		must(t, d.Write(s, make([]byte, 64)))
		c := d.Caps()
		if got := staging(t, c); got != 0 {
			t.Errorf("staging of %d bytes on a device that needs none", got)
		}
		c.Type = "discrete"
		if got, want := d.Counters().DeviceBytes-before, staging(t, c); got != want || got == 0 {
			t.Errorf("staging takes %d bytes, foretold %d", got, want)
		}
	})
}

// staging is what the transfers to one small span take.
func staging(t *testing.T, c vk.Caps) uint64 {
	tally := c.NewTally()
	size, err := tally.Arena(vk.DeviceLocal, []uint64{64})
	must(t, err)
	tally.Staging()
	device, host, _ := tally.Taken()
	return device + host - size
}
