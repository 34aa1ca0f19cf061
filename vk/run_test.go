//go:build cgo

package vk_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

type addPush struct {
	N     uint32
	Scale float32
}

func TestAdd(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		const n = 1000
		k := kernel(t, d, "add", 64)
		mem := arena(t, d, vk.DeviceLocal)
		a, b, y := alloc(t, mem, 4*n), alloc(t, mem, 4*n), alloc(t, mem, 4*n)
		av, bv := make([]float32, n), make([]float32, n)
		for i := range av {
			av[i], bv[i] = float32(i), float32(2*i+1)
		}
		writeFloats(t, d, a, av)
		writeFloats(t, d, b, bv)
		p := program(t, d)
		p.Dispatch(k, addPush{n, 0.5}, [3]uint32{(n + 63) / 64, 1, 1}, vk.Cost{}, a, b, y)
		must(t, p.End())
		run(t, d, p)
		for i, got := range readFloats(t, d, y) {
			// Small integers and halves: exact in float32.
			if want := av[i] + 0.5*bv[i]; got != want {
				t.Fatalf("y[%d] = %v, want %v", i, got, want)
			}
		}
	})
}

// TestTexels reads what one kernel wrote through views of words and of four, and what they may not be.
func TestTexels(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		const n = 320 // views begin at multiples of 256 bytes at most
		k := kernel(t, d, "texels")
		mem := arena(t, d, vk.DeviceLocal)
		words := make([]uint32, 4*n)
		numbers := make([]float32, 4*n)
		for i := range words {
			words[i], numbers[i] = uint32(3*i), float32(i)/2
		}
		// A view leaves out what is behind its last whole texel, and may begin within its span's block.
		x := alloc(t, mem, 2*16*n).Slice(16*n, 16*n)
		f, y := alloc(t, mem, 16*n+4), alloc(t, mem, 16*n)
		writeWords(t, d, x, words...)
		writeFloats(t, d, f, append(numbers, 0))
		p := program(t, d)
		p.Dispatch(k, []uint32{n}, [3]uint32{(n + 63) / 64, 1, 1}, vk.Cost{}, x, f, y)
		must(t, p.End())
		run(t, d, p)
		for i, got := range readFloats(t, d, y) {
			if want := float32(words[i]) + float32(words[i/4]) + numbers[i] + numbers[i/4]; got != want { // exact: small numbers
				t.Fatalf("y[%d] = %v, want %v", i, got, want)
			}
		}
		p = program(t, d)
		p.Dispatch(k, []uint32{n}, [3]uint32{1, 1, 1}, vk.Cost{}, x, f.Slice(0, 8), y)
		if err := p.End(); err == nil || !strings.Contains(err.Error(), "a texel has 16") {
			t.Errorf("a view of half a texel: %v", err)
		}
	})
	few := vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.MaxTexels = 64 })
	vktest.EachWith(t, few, func(t *testing.T, d *vk.Device) {
		mem := arena(t, d, vk.DeviceLocal)
		x, y := alloc(t, mem, 65*4), alloc(t, mem, 1024)
		p := program(t, d)
		p.Dispatch(kernel(t, d, "texels"), []uint32{1}, [3]uint32{1, 1, 1}, vk.Cost{}, x, x, y)
		if err := p.End(); err == nil || !strings.Contains(err.Error(), "65 texels, the device views at most 64") {
			t.Errorf("a view of too many texels: %v", err)
		}
	})
}

// TestReplay runs one recorded program many times, in one call and in several, grouped in different ways: every replay
// does the same work, in order.
func TestReplay(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		const n = 256
		k := kernel(t, d, "halve")
		x := alloc(t, arena(t, d, vk.DeviceLocal), 4*n)
		p := program(t, d)
		p.Dispatch(k, []uint32{n}, [3]uint32{n / 64, 1, 1}, vk.Cost{}, x)
		p.Dispatch(k, []uint32{n}, [3]uint32{n / 64, 1, 1}, vk.Cost{}, x)
		must(t, p.End())
		for _, perSubmit := range []int{0, 1, 3} {
			must(t, d.Fill(x, 0))
			for range 2 {
				must(t, d.Run(t.Context(), vk.RunOptions{PerSubmit: perSubmit}, p, p, p, p))
			}
			want := float32(0)
			for range 16 {
				want = 0.5*want + 1 // exact: 17 binary digits
			}
			for i, got := range readFloats(t, d, x) {
				if got != want {
					t.Fatalf("%d programs a submission: x[%d] = %v after 16 steps, want %v", perSubmit, i, got, want)
				}
			}
		}
	})
}

// TestEarlyExit records more iterations than are needed, all dispatched indirectly. Once the state has settled a kernel
// zeroes the counts, so that the rest does nothing; the state is bit-equal to a host model stopped at the same iteration.
func TestEarlyExit(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		const n, recorded, tolerance = 300, 64, 0.01
		halve, settled := kernel(t, d, "halve"), kernel(t, d, "settled")
		mem := arena(t, d, vk.DeviceLocal)
		x, counts, iterations := alloc(t, mem, 4*n), alloc(t, mem, 24), alloc(t, mem, 4)
		work, check := alloc(t, mem, 12), alloc(t, mem, 12) // live counts; storage buffers, so each at an aligned offset
		writeWords(t, d, counts, (n+63)/64, 1, 1, 1, 1, 1)

		start := program(t, d)
		start.Copy(work, counts.Slice(0, 12))
		start.Copy(check, counts.Slice(12, 12))
		start.Fill(iterations, 0)
		must(t, start.End())
		loop := program(t, d)
		for range recorded / 4 {
			loop.DispatchIndirect(halve, []uint32{n}, work, vk.Cost{}, x)
			loop.DispatchIndirect(settled, addPush{n, tolerance}, check, vk.Cost{}, x, work, check, iterations)
		}
		must(t, loop.End())
		must(t, loop.Hazards())

		state := make([]float32, n)
		for i := range state {
			state[i] = float32(i)
		}
		for range 2 { // the counts are reset by a program, so the loop can be run again
			writeFloats(t, d, x, state)
			run(t, d, start, loop, loop, loop, loop)
			model := append([]float32(nil), state...)
			steps := uint32(0)
			for done := false; !done; steps++ {
				done = true
				for i := range model {
					model[i] = 0.5*model[i] + 1
					done = done && max(model[i]-2, 2-model[i]) <= tolerance
				}
			}
			if got := readWords(t, d, iterations)[0]; got != steps || steps >= recorded/2 {
				t.Fatalf("%d iterations, the host model says %d of %d", got, steps, recorded)
			}
			for i, got := range readFloats(t, d, x) {
				if got != model[i] {
					t.Fatalf("x[%d] = %v, the host model says %v", i, got, model[i])
				}
			}
			if got := readWords(t, d, work); got[0] != 0 || got[1] != 0 || got[2] != 0 {
				t.Errorf("counts %v after the exit, want zeros", got)
			}
		}
	})
}

func TestCounters(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		k := kernel(t, d, "halve")
		x := alloc(t, arena(t, d, vk.DeviceLocal), 256)
		up, down := alloc(t, arena(t, d, vk.Upload), 256), alloc(t, arena(t, d, vk.Readback), 256)
		copy(up.Bytes(), []byte{0, 0, 0x80, 0x40}) // 4.0
		p := program(t, d)
		p.Copy(x, up)
		p.Dispatch(k, []uint32{64}, [3]uint32{1, 1, 1}, vk.Cost{Bytes: 512, FLOPs: 128}, x)
		p.Dispatch(k, []uint32{64}, [3]uint32{1, 1, 1}, vk.Cost{Bytes: 512, FLOPs: 128}, x)
		p.Copy(down, x)
		must(t, p.End())
		before := d.Counters()
		run(t, d, p, p, p)
		run(t, d, p)
		if got := down.Bytes()[:4]; string(got) != "\x00\x00\x20\x40" { // 4 -> 3 -> 2.5
			t.Errorf("result % x, want 2.5", got)
		}
		writeWords(t, d, x.Slice(0, 8), 1, 2)
		readWords(t, d, x.Slice(0, 4))
		after := d.Counters()
		for name, c := range map[string][2]uint64{
			"dispatches":  {after.Dispatches - before.Dispatches, 8},
			"submissions": {after.Submissions - before.Submissions, 2},
			"barriers":    {after.Barriers - before.Barriers, 12},
			"recordings":  {after.Recordings - before.Recordings, 0},
			"bytes up":    {after.BytesUp - before.BytesUp, 4*256 + 8},
			"bytes down":  {after.BytesDown - before.BytesDown, 4*256 + 4},
			"allocations": {after.Allocations, 3},
		} {
			if c[0] != c[1] {
				t.Errorf("%s: %d, want %d", name, c[0], c[1])
			}
		}
		if p.Ops() != 4 || p.Cost() != (vk.Cost{Bytes: 2*512 + 2*2*256, FLOPs: 256}) {
			t.Errorf("program of %d ops costs %+v", p.Ops(), p.Cost())
		}
	})
}

// countdown is a context that ends after its error was asked for so many times, so that where a run is cancelled does not
// depend on time.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestCancel(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		k := kernel(t, d, "spin")
		x := alloc(t, arena(t, d, vk.DeviceLocal), 256)
		p := program(t, d)
		p.Dispatch(k, []uint32{1000}, [3]uint32{1, 1, 1}, vk.Cost{}, x)
		must(t, p.End())
		must(t, d.Fill(x, 0))
		ctx := &countdown{t.Context(), 3}
		err := d.Run(ctx, vk.RunOptions{PerSubmit: 1}, p, p, p, p, p, p)
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
		// What was submitted has ended: three programs, whole.
		if got := readWords(t, d, x)[0]; got != 3000 {
			t.Errorf("x[0] = %d after three programs of 1000 steps", got)
		}
		run(t, d, p)
		if got := readWords(t, d, x)[0]; got != 4000 {
			t.Errorf("x[0] = %d after one more program", got)
		}
	})
}

// What runs is told in order, with its groups, its work, and where a barrier comes first; until it is no longer asked for.
func TestWatch(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, d *vk.Device) {
		k := kernel(t, d, "spin")
		x := alloc(t, arena(t, d, vk.DeviceLocal), 256)
		p := program(t, d)
		p.Fill(x, 0)
		p.Dispatch(k, []uint32{1}, [3]uint32{2, 1, 1}, vk.Cost{Bytes: 7, FLOPs: 5}, x)
		must(t, p.End())
		var got []vktest.Op
		vktest.Watch(d, func(o vktest.Op) { got = append(got, o) })
		run(t, d, p, p)
		vktest.Watch(d, nil)
		run(t, d, p)
		if len(got) != 4 || got[0].Kernel != "fill" || !got[0].Barrier || got[2].Kernel != "fill" {
			t.Fatalf("%+v", got)
		}
		if o := got[3]; o.Kernel != "spin" || o.Groups != [3]uint32{2, 1, 1} || o.Group[0] == 0 || o.Bytes != 7 || o.FLOPs != 5 || !o.Barrier || len(o.Push) != 4 {
			t.Errorf("%+v", o)
		}
	})
}
