//go:build cgo

package vk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"muninn/vk"
	"muninn/vk/vktest"
)

// glacial makes a byte take 100 ns: what costs 1 MB is cut to its last workgroup.
var glacial = vk.Speed{Read: 50e6, FMA: 1e12}

// TestSplitOps cuts every kind of op into parts and gets the bits of the whole; readers wait for all parts.
func TestSplitOps(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		const n = 3<<18 + 100 // words; 3 MiB and a bit
		add, halve := kernel(t, d, "add", 64), kernel(t, d, "halve")
		mem := arena(t, d, vk.DeviceLocal)
		a, b, y, z := alloc(t, mem, 4*n), alloc(t, mem, 4*n), alloc(t, mem, 4*n), alloc(t, mem, 4*n)
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i)
		}
		groups := [3]uint32{(n + 63) / 64, 1, 1}
		measured := d.Speed()
		cutBy := func(s vk.Speed) (*vk.Program, []uint32) {
			writeFloats(t, d, a, values)
			must(t, d.Fill(y, 0))
			must(t, d.Fill(z, 0))
			d.SetSpeed(s)
			p := program(t, d)
			d.SetProfiling(true)
			p.Fill(b, 0x3f800000)
			p.Dispatch(add, addPush{n, 0.5}, groups, vk.Cost{Bytes: 24e6}, a, b, y)
			p.Dispatch(halve, []uint32{n}, groups, vk.Cost{Bytes: 24e6}, y)
			p.Copy(z, y)
			p.Dispatch(halve, []uint32{n}, groups, vk.Cost{}, y)
			must(t, p.End())
			d.SetProfiling(false)
			d.SetSpeed(measured)
			must(t, p.Hazards())
			run(t, d, p)
			return p, append(readWords(t, d, y), readWords(t, d, z)...)
		}
		_, want := cutBy(measured)
		before := d.Counters()
		p, got := cutBy(glacial)
		after := d.Counters()
		if !slices.Equal(got, want) {
			t.Error("other bits than in one piece")
		}
		// 24 MB are 2.4 s: 48 parts of 50 ms or some more; 3 MiB of copy are 6 MiB moved.
		for _, says := range []string{"24000000 bytes 0 flops in 49", "6292256 bytes 0 flops in 4 parts", "3146128 bytes 0 flops in 4 parts"} {
			if !strings.Contains(p.String(), says) {
				t.Errorf("no op printed with %q in\n%v", says, p)
			}
		}
		if n := after.Dispatches - before.Dispatches; n < 96 || n > 100 {
			t.Errorf("%d dispatches, want some more than 96", n)
		}
		if p.Segments() < 96 || p.Segments() > 125 {
			t.Errorf("%d segments for 5.7 s", p.Segments())
		}
		// Two runs of a fill, a copy, an add and two halves: parts are not counted by themselves.
		count := 0
		for _, e := range d.Timings() {
			count += e.Count
		}
		if d.Caps().TimestampBits > 0 && count != 10 {
			t.Errorf("%d ops timed, want 10", count)
		}
	})
}

// TestTook: a program's own timestamps tell the time of all its segments, and are not among the device's timings.
func TestTook(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		x := alloc(t, arena(t, d, vk.DeviceLocal), 1<<20)
		d.SetSpeed(glacial)
		p := program(t, d)
		p.Profile()
		for range 5 {
			p.Fill(x, 1)
		}
		must(t, p.End())
		if p.Took() != 0 || p.Segments() < 3 {
			t.Errorf("%v before the first run, %d segments", p.Took(), p.Segments())
		}
		start := time.Now()
		run(t, d, p)
		if took := p.Took(); d.Caps().TimestampBits > 0 && (took <= 0 || took > time.Since(start)) {
			t.Errorf("took %v of %v", took, time.Since(start))
		}
		if n := d.Timings(); len(n) != 0 {
			t.Errorf("timings %v", n)
		}
	})
}

// TestSplitFill cuts a fill outside a program.
func TestSplitFill(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		s := alloc(t, arena(t, d, vk.DeviceLocal), 5<<19)
		must(t, d.Fill(s, 1))
		d.SetSpeed(glacial)
		before := d.Counters().Submissions
		must(t, d.Fill(s, 2))
		if n := d.Counters().Submissions - before; n != 3 {
			t.Errorf("%d submissions, want 3", n)
		}
		for i, w := range readWords(t, d, s) {
			if w != 2 {
				t.Fatalf("word %d is %d", i, w)
			}
		}
	})
}

// TestGridIsNotSplit: a kernel that looks at the size of its grid runs in one piece, whatever it costs.
func TestGridIsNotSplit(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		const n = 1000
		k := kernel(t, d, "grid")
		if !k.Interface().ReadsGrid || kernel(t, d, "halve").Interface().ReadsGrid {
			t.Error("which kernel reads its grid is not seen")
		}
		y := alloc(t, arena(t, d, vk.DeviceLocal), 4*n)
		d.SetSpeed(glacial)
		p := program(t, d)
		p.Dispatch(k, []uint32{n}, [3]uint32{(n + 63) / 64, 1, 1}, vk.Cost{Bytes: 24e6}, y)
		must(t, p.End())
		run(t, d, p)
		for i, got := range readWords(t, d, y) {
			if got != (n+63)/64 {
				t.Fatalf("y[%d] = %d workgroups", i, got)
			}
		}
	})
}
