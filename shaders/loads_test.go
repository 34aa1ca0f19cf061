package shaders_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A product has the same bits by whichever loads it is read, and however many rows share a workgroup: lavapipe changes both
// with the number of rows.
func TestLoadsGiveTheSameBits(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		if !shaders.Unrolls(dev.Caps()) {
			return // it has no texel kernels
		}
		for _, f := range []format.Type{format.Q8_0, format.Q4_0} {
			t.Run(f.String(), func(t *testing.T) { sameBits(t, dev, f) })
		}
	})
}

func sameBits(t *testing.T, dev *vk.Device, f format.Type) {
	const rows, cols, n = 40, 192, 9
	arena := dev.NewArena("loads", vk.DeviceLocal)
	t.Cleanup(arena.Free)
	rng := rand.New(rand.NewPCG(1, 2))
	w, err := shaders.NewMatrix(arena, rows, cols, f, dev.Caps().ShardLimit())
	x, err2 := shaders.NewTensor(arena, n, cols)
	y, err3 := shaders.NewTensor(arena, n, rows)
	must := func(errs ...error) {
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(err, err2, err3)
	write := func(s vk.Span, word func() uint32) {
		raw := make([]byte, s.Size())
		for i := 0; i+4 <= len(raw); i += 4 {
			binary.LittleEndian.PutUint32(raw[i:], word())
		}
		must(dev.Write(s, raw))
	}
	for _, s := range w.Shards {
		write(s.Span, rng.Uint32)
		write(s.Scales, func() uint32 { return 0x2c002c00 | rng.Uint32()&0x03ff03ff }) // halves of 1/16 to 1/8
	}
	write(x.Span, func() uint32 { return math.Float32bits(rng.Float32() - 0.5) })
	var want []byte
	for _, loads := range []shaders.Loads{shaders.AutoLoads, shaders.StorageBuffers} {
		k, err := shaders.New(dev, shaders.Options{Loads: loads})
		must(err)
		for _, each := range []int{1, 2, n} {
			r := k.Record(fmt.Sprint(loads, each))
			for at := 0; at < n; at += each {
				r.MatMul(y.From(at, min(each, n-at)), w, x.From(at, min(each, n-at)))
			}
			p, err := r.End()
			must(err)
			must(dev.Fill(y.Span, 0), dev.Run(context.Background(), vk.RunOptions{}, p))
			p.Free()
			got := make([]byte, y.Span.Size())
			must(dev.Read(y.Span, got))
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("loads %v, %d rows together: other bits", loads, each)
			}
		}
	}
}
