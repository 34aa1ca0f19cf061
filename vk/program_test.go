//go:build cgo

package vk_test

import (
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

func TestProgramErrorsStick(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		k := kernel(t, d, "add", 64)
		mem := arena(t, d, vk.DeviceLocal)
		s := alloc(t, mem, 1<<20)
		odd := s.Slice(4, 64)
		groups := [3]uint32{1, 1, 1}
		gone := d.NewArena("gone", vk.DeviceLocal)
		stale := alloc(t, gone, 64)
		gone.Free()
		for _, c := range []struct {
			says string
			add  func(p *vk.Program)
		}{
			{"4 bytes of push constants, the kernel takes 8", func(p *vk.Program) { p.Dispatch(k, []uint32{1}, groups, vk.Cost{}, s, s, s) }},
			{"push constants of type string", func(p *vk.Program) { p.Dispatch(k, "text", groups, vk.Cost{}, s, s, s) }},
			{"2 spans bound, the kernel takes 3", func(p *vk.Program) { p.Dispatch(k, addPush{}, groups, vk.Cost{}, s, s) }},
			{"binding 1: the span is empty", func(p *vk.Program) { p.Dispatch(k, addPush{}, groups, vk.Cost{}, s, vk.Span{}, s) }},
			{"binding 2: offset 4 is not a multiple", func(p *vk.Program) { p.Dispatch(k, addPush{}, groups, vk.Cost{}, s, s, odd) }},
			{"arena was freed", func(p *vk.Program) { p.Dispatch(k, addPush{}, groups, vk.Cost{}, s, s, stale) }},
			{"70000 workgroups in dimension 1", func(p *vk.Program) { p.Dispatch(k, addPush{}, [3]uint32{1, 70000, 1}, vk.Cost{}, s, s, s) }},
			{"counts of 16 bytes, want 12", func(p *vk.Program) { p.DispatchIndirect(k, addPush{}, s.Slice(0, 16), vk.Cost{}, s, s, s) }},
			{"without a kernel", func(p *vk.Program) { p.Dispatch(nil, nil, groups, vk.Cost{}) }},
			{"ranges apart", func(p *vk.Program) { p.Copy(s.Slice(0, 64), s.Slice(32, 64)) }},
			{"copy to: the span is empty", func(p *vk.Program) { p.Copy(vk.Span{}, s) }},
			{"must be multiples of 4", func(p *vk.Program) { p.Fill(s.Slice(0, 6), 0) }},
		} {
			p := d.NewProgram("wrong")
			p.Fill(s, 0)
			c.add(p)
			p.Fill(vk.Span{}, 0) // a later mistake does not hide the first
			err := p.End()
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "program wrong, op 1") {
				t.Errorf("error %v, want one saying %q", err, c.says)
			}
			if err := d.Run(t.Context(), vk.RunOptions{}, p); err == nil {
				t.Errorf("ran a program with the error %q", c.says)
			}
			p.Free()
		}
	})
}

func TestProgramLife(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		s := alloc(t, arena(t, d, vk.DeviceLocal), 64)
		p := d.NewProgram("p")
		p.Fill(s, 7)
		if err := d.Run(t.Context(), vk.RunOptions{}, p); err == nil || !strings.Contains(err.Error(), "not ended") {
			t.Errorf("run before End: %v", err)
		}
		must(t, p.End())
		if err := p.End(); err == nil {
			t.Error("ended twice")
		}
		run(t, d, p)
		if got, want := p.String(), "program p: 1 ops, 0 barriers, 1 segments\n   0 fill w[0:0+64] 64 bytes 0 flops\n"; got != want {
			t.Errorf("prints as %q, want %q", got, want)
		}
		p.Free()
		p.Free()
		if err := d.Run(t.Context(), vk.RunOptions{}, p); err == nil || !strings.Contains(err.Error(), "freed") {
			t.Errorf("run after Free: %v", err)
		}
		empty := program(t, d)
		must(t, empty.End())
		run(t, d, empty)
	})
}

func TestProfile(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		k := kernel(t, d, "spin")
		x := alloc(t, arena(t, d, vk.DeviceLocal), 256)
		p := program(t, d)
		d.SetProfiling(true)
		p.Fill(x, 0)
		for range 3 {
			p.Dispatch(k, []uint32{20000}, [3]uint32{1, 1, 1}, vk.Cost{FLOPs: 5}, x)
		}
		must(t, p.End())
		d.SetProfiling(false)
		run(t, d, p, p)
		got := make(map[string]vk.Timing)
		for _, e := range d.Timings() {
			got[e.Kernel] = e
		}
		if e := got["spin"]; e.Count != 6 || e.Total <= 0 || e.Cost.FLOPs != 30 {
			t.Errorf("spin: %+v, want 6 dispatches that took time", e)
		}
		if e := got["fill"]; e.Count != 2 || e.Total < 0 {
			t.Errorf("fill: %+v, want 2", e)
		}
		if d.ResetTimings(); len(d.Timings()) != 0 {
			t.Error("timings after a reset")
		}
		if got := readWords(t, d, x)[63]; got != 60000 {
			t.Errorf("x[63] = %d, want 60000", got)
		}
	})
}
