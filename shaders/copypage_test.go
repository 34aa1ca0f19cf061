package shaders_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A page's copy has all that the page has, of every KV type and in every shard, and nothing else changes.
func TestCopyPage(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		k, err := shaders.New(dev, shaders.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range shaders.KVTypes() {
			const heads, headDim, units, dst, src = 3, 40, 4, 1, 3
			arena := dev.NewArena("pages", vk.DeviceLocal)
			pages := onePage(t, dev, arena, units*shaders.PagePositions)
			limit := uint64(2*units*shaders.PagePositions) * kv.KeyBytes(headDim) // two heads a shard
			c, err := shaders.NewCache(arena, heads, headDim, kv, shaders.Slots{Period: 1}, pages, limit)
			if err != nil {
				t.Fatal(err)
			}
			r := k.Record("copy")
			r.CopyPage(c, dst, src)
			p, err := r.End()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range c.Shards {
				for of, span := range map[string]vk.Span{"keys": s.K, "values": s.V} {
					before, after := make([]byte, span.Size()), make([]byte, span.Size())
					for i := range before {
						before[i] = byte(rand.Uint32())
					}
					want := slices.Clone(before)
					for _, plane := range planes(want, kv, of) {
						page := len(plane) / units
						copy(plane[dst*page:][:page], plane[src*page:])
					}
					err := dev.Write(span, before)
					if err == nil {
						err = dev.Run(context.Background(), vk.RunOptions{}, p)
					}
					if err == nil {
						err = dev.Read(span, after)
					}
					if err != nil || !bytes.Equal(after, want) {
						t.Errorf("%s, %s of %d heads: not as the page is (%v)", kv, of, s.Heads, err)
					}
				}
			}
			p.Free()
			arena.Free()
		}
	})
}

// planes cuts what a shard has where its scales begin, if they lie there.
func planes(b []byte, kv shaders.KVType, of string) [][]byte {
	if kv != shaders.KVQ8 || of == "values" {
		return [][]byte{b}
	}
	at := len(b) / 36 * 32
	return [][]byte{b[:at], b[at:]}
}
