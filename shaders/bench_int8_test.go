package shaders_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkInt8 times GEMV with block formats over int8 activations against the same over floats, in turn: CPU time,
// medians of 7 rounds. It is where the choice of Kernels.Int8 comes from.
//
//	go test -run - -bench Int8 -benchtime 1x ./shaders
func BenchmarkInt8(b *testing.B) {
	for _, name := range vktest.Names() {
		for _, f := range []format.Type{format.Q8_0, format.Q4_0} {
			b.Run(name+"/"+f.String(), func(b *testing.B) { benchInt8(b, vktest.Open(b, name, vk.Options{}), f) })
		}
	}
}

func benchInt8(b *testing.B, dev *vk.Device, f format.Type) {
	const cols, most = 5280, 16
	rows := 8960
	if !shaders.Unrolls(dev.Caps()) {
		rows = 1120 // seconds a GEMV otherwise
	}
	arena := dev.NewArena("bench", vk.DeviceLocal)
	b.Cleanup(arena.Free)
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	w, err := shaders.NewMatrix(arena, rows, cols, f, dev.Caps().ShardLimit())
	must(err)
	for _, s := range w.Shards {
		must(dev.Fill(s.Span, 0x01020304))
		must(dev.Fill(s.Scales, 0x3c003c00)) // ones
	}
	x, err := shaders.NewTensor(arena, most, cols)
	must(err)
	x.Int8, err = arena.Alloc(shaders.Int8Bytes(most, cols))
	must(err)
	must(dev.Fill(x.Span, 0x3f800000))
	must(dev.Fill(x.Int8, 0x3f800000))
	y, err := shaders.NewTensor(arena, most, rows)
	must(err)
	k, err := shaders.New(dev, shaders.Options{})
	must(err)
	if !k.CanInt8(f, most) {
		b.Skip("the device has no integer dot products")
	}
	floats := x
	floats.Int8 = vk.Span{}
	counts := []int{1, 2, 4, 8, 16}
	programs := map[string]*vk.Program{}
	for _, n := range counts {
		for kind, x := range map[string]shaders.Tensor{"f32": floats, "int8": x} {
			name := fmt.Sprintf("%s %d", kind, n)
			r := k.Record(name)
			r.MatMul(y.First(n), w, x.First(n))
			p, err := r.End()
			must(err)
			b.Cleanup(p.Free)
			must(dev.Run(context.Background(), vk.RunOptions{}, p)) // the first run compiles
			programs[name] = p
		}
	}
	all := map[string][]float64{}
	for b.Loop() {
		for range 7 {
			for name, p := range programs {
				all[name] = append(all[name], cpuSeconds(func() { must(dev.Run(context.Background(), vk.RunOptions{}, p)) }))
			}
		}
	}
	median := func(name string) float64 {
		slices.Sort(all[name])
		return all[name][len(all[name])/2]
	}
	b.ReportMetric(0, "ns/op")
	for _, n := range counts {
		float, int8 := median(fmt.Sprint("f32 ", n)), median(fmt.Sprint("int8 ", n))
		b.Logf("%s %s n=%d: %.1f ms of cpu with floats, %.1f with int8", dev.Caps().Name, f, n, float*1e3, int8*1e3)
		b.ReportMetric(float/int8, fmt.Sprintf("gain-at-%d", n))
	}
}
