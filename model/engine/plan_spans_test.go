package engine

import (
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/internal/golden"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// The planner lists the very spans that loading and a session allocate: blocks of 1 MiB would hide a small one.
func TestPlannerFollowsAllocation(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for _, path := range []string{store.DemoName, golden.Model(t, "A-f32"), golden.Model(t, "C-f16")} {
			ck, err := store.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []SessionOptions{{}, {Sequences: 3, Context: 33, Rows: 7, Outputs: 2, MaxSteps: 5}} {
				m, err := Load(ck, d, LoadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s, err := m.NewSession(o)
				if err != nil {
					t.Fatal(err)
				}
				p := &planner{c: ck.Config, limit: d.Caps().ShardLimit()}
				p.weights(DeviceFormats(checkpoint.Scheme{}, ck.Config, ck.Stored))
				p.activations(s.opt)
				p.caches(s.opt, shaders.KVF32)
				p.exchange(s.opt)
				for _, a := range []struct {
					arena *vk.Arena
					spans []uint64
					where string
				}{
					{m.arena, p.weightSpans, "loadWeights"}, {s.arena, p.sessionSpans, "Session.allocate"},
					{s.up, p.upSpans, "exchange.allocate"}, {s.down, p.downSpans, "exchange.allocate"},
				} {
					var used uint64
					for _, n := range a.spans {
						used += (n + 255) / 256 * 256
					}
					if used != a.arena.Used() {
						t.Errorf("%s, %+v: the plan has %d bytes where %s takes %d", path, o, used, a.where, a.arena.Used())
					}
				}
				s.Close()
				m.Close()
			}
			if err := ck.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Shards of a matrix are those of NewMatrix, in every format.
func TestPlannerCutsAsNewMatrix(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for _, f := range format.Types() {
			a := d.NewArena("matrix", vk.DeviceLocal)
			const rows, cols, limit = 300, 100, 4096
			m, err := shaders.NewMatrix(a, rows, cols, f, limit)
			if err != nil {
				t.Fatal(err)
			}
			p := &planner{limit: limit}
			p.matrix("core", rows, cols, f)
			if len(m.Shards) != len(p.weightSpans) || p.sum.Lines[0].Bytes < uint64(rows*cols)*4/8 {
				t.Errorf("%s: %d shards, planned %d in %d bytes", f, len(m.Shards), len(p.weightSpans), p.sum.Lines[0].Bytes)
			}
			if size, err := d.Caps().NewTally().Arena(vk.DeviceLocal, p.weightSpans); err != nil || size != a.Size() {
				t.Errorf("%s: planned %d bytes (%v), taken %d", f, size, err, a.Size())
			}
			a.Free()
		}
	})
}
