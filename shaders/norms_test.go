package shaders_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A row's norms have the same bits alone and among others, by one subgroup or several; several take rows of whole vec4 alone.
func TestNormOfRowAlone(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for norms, suffix := range map[shaders.Norms]string{shaders.NormsInSubgroup: "_sg", shaders.NormsInWorkgroup: "_wg"} {
			for _, cols := range []int{63, 1056, 5280} {
				want := suffix
				if cols == 63 {
					want = "_sg"
				}
				testRowAlone(t, d, shaders.Options{Norms: norms}, cols, want)
			}
		}
	})
}

func testRowAlone(t *testing.T, d *vk.Device, o shaders.Options, cols int, suffix string) {
	const rows, row = 5, 3
	a := d.NewArena("norms", vk.DeviceLocal)
	defer a.Free()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	k, err := shaders.New(d, o)
	must(err)
	random := rand.New(rand.NewPCG(1, uint64(cols)))
	tensor := func() shaders.Tensor {
		x, err := shaders.NewTensor(a, rows, cols)
		must(err)
		b := make([]byte, x.Span.Size())
		for n := range rows {
			for i := range cols {
				binary.LittleEndian.PutUint32(b[4*(n*x.Stride+i):], math.Float32bits(float32(random.NormFloat64())))
			}
		}
		must(d.Write(x.Span, b))
		return x
	}
	x, added, y, z := tensor(), tensor(), tensor(), tensor()
	weight, start := tensor().Span.Slice(0, uint64(4*cols)), make([]byte, x.Span.Size())
	must(d.Read(x.Span, start))
	run := func(first, n int) []byte {
		must(d.Write(x.Span, start))
		r := k.Record("norms")
		part := func(t shaders.Tensor) shaders.Tensor { return t.From(first, n) }
		r.RMSNorm(part(y), part(x), weight, 1e-6)
		r.AddNormPair(part(z), part(x), part(added), shaders.ResidualNormed, weight, weight, 1e-6)
		p, err := r.End()
		must(err)
		defer p.Free()
		if got := p.Kernels(); !slices.Equal(got, []string{"rmsnorm" + suffix, "addnorm_pair" + suffix}) {
			t.Errorf("%d columns with %+v: %q", cols, o, got)
		}
		must(d.Run(context.Background(), vk.RunOptions{}, p))
		var all []byte
		for _, s := range []shaders.Tensor{x, y, z} {
			b := make([]byte, s.From(row, 1).Span.Size())
			must(d.Read(s.From(row, 1).Span, b))
			all = append(all, b...)
		}
		return all
	}
	if among := run(0, rows); !bytes.Equal(among, run(row, 1)) {
		t.Errorf("%d columns with %+v: other bits alone", cols, o)
	}
}
