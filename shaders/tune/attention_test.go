package tune

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

var small = Heads{Queries: 4, Keys: 2, Dim: 24, KV: shaders.KVF16}

// The ways to take attention that are measured never change a bit of a row, nor do rows beside it; what fixes sums apart.
func TestAttentionBits(t *testing.T) {
	d := posing(t, vktest.Names()[0])
	arena := d.NewArena("test", vk.DeviceLocal)
	defer arena.Free()
	m := &memory{dev: d, arena: arena}
	h := newHeads(m, small, 0)
	if m.err != nil {
		t.Fatal(m.err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	query := h.q.Stride * 4
	for _, s := range []vk.Span{h.q.Span, h.cache.Shards[0].K, h.cache.Shards[0].V} {
		data := make([]byte, s.Size())
		for i := range data {
			data[i] = byte(rng.Uint32())
			if i%2 == 1 {
				data[i] = data[i]&0x83 | 0x38 // halves of about one, floats too
			}
			if s == h.q.Span && i >= query { // rows ask the same
				data[i] = data[i-query]
			}
		}
		if err := d.Write(s, data); err != nil {
			t.Fatal(err)
		}
	}
	width := uint64(h.y.Stride) * 4
	last := func(n int, settings ...string) []byte {
		o := shaders.Options{Matrices: shaders.FloatTiles} // matrix units round many rows otherwise
		for i, name := range attentionSettings {
			o.Measured.Settings = append(o.Measured.Settings, shaders.Setting{Name: name, Value: settings[i], Why: "a test"})
		}
		k, err := shaders.New(d, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range attentionSettings {
			if got := valueOf(k.Tuning, name); got != settings[i] {
				t.Fatalf("%s is %s, want %s", name, got, settings[i])
			}
		}
		r := k.Record("attention")
		h.record(r, n)
		p, err := r.End()
		if err == nil {
			defer p.Free()
			err = d.Run(t.Context(), vk.RunOptions{}, p)
		}
		row := make([]byte, width)
		if err == nil {
			err = d.Read(h.y.Span.Slice(uint64(n-1)*width, width), row)
		}
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	want := last(1, "16", "64", "4")
	for _, c := range []struct {
		n              int
		queries, loads string
	}{{1, "16", "8"}, {80, "16", "2"}, {80, "4", "8"}} {
		if got := last(c.n, c.queries, "64", c.loads); !bytes.Equal(got, want) {
			t.Errorf("%+v: another row", c)
		}
	}
	if other := last(1, "16", "128", "4"); bytes.Equal(other, want) {
		t.Error("positions change nothing")
	}
}

// What attention and norms are fastest by is chosen, and proven; a norm by itself wins on a device that has both.
func TestFindsSettings(t *testing.T) {
	for _, c := range []struct {
		device *vk.Device
		want   []string
	}{
		{posing(t, vktest.Names()[len(vktest.Names())-1]), []string{"attention queries 4", "attention positions 64", "attention loads 8"}},
		{vktest.Open(t, vktest.Names()[0], vk.Options{}), []string{"norm rows 0"}},
	} {
		j := job(Quick, format.BF16)
		j.Uses = []Use{j.Uses[2], {Product: shaders.Product{Op: Attention}, Heads: small, Times: 4}}
		j.Uses[0].Normed, j.Needs = true, []string{"matmul bf16", "kv f16"}
		m := fake(t.Context(), c.device, func(e *entry) time.Duration {
			took := time.Millisecond
			if e.at.use == 0 && (len(c.want) > 1 || e.at.n > 1) { // a product, or one with more rows than norms join
				return took
			}
			for _, s := range e.config.settings {
				if slices.Contains(c.want, s.Name+" "+s.Value) {
					took = took * 3 / 4
				}
			}
			return took
		})
		r, err := run(t.Context(), c.device, j, m, nil)
		if err != nil || r.Why != "" || fmt.Sprint(r.Said()) != fmt.Sprint(c.want) {
			t.Errorf("chose %v, want %v: %+v, %v", r.Said(), c.want, r, err)
		}
	}
}
