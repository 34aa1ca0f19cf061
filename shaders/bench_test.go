package shaders_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/roofline"
	"muninn/vk"
	"muninn/vk/vktest"
)

// The GEMV's size: Huginn's mlp.fc half, 189 MB in bf16.
const benchRows, benchCols = 17920, 5280

// BenchmarkMatMul times W x in bf16 for 1 to 64 rows of x on every software driver, each against a copy of the same
// bytes by two threads of this process, in turn. The unit is CPU time over two cores, which neighbours on the
// machine disturb least; only the ratios mean anything. Medians of 7 rounds.
//
//	go test -run - -bench MatMul -benchtime 1x ./shaders
func BenchmarkMatMul(b *testing.B) {
	for _, name := range vktest.Names() {
		b.Run(name, func(b *testing.B) {
			dev := vktest.Open(b, name, vk.Options{})
			times, copied := benchMatMuls(b, dev, []int{1, 2, 4, 8, 16, 32, 64})
			bytes := float64(benchRows * benchCols * 2)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(bytes/copied/1e9, "copy-GB/s")
			b.ReportMetric(bytes/times["1"]/1e9, "matvec-GB/s")
			b.ReportMetric(copied/times["1"], "matvec/copy")
			for _, k := range []string{"8", "16", "32", "64"} {
				b.ReportMetric(times[k]/times["1"], "cost-of-"+k+"-rows")
			}
			b.ReportMetric(64*times["1"]/times["64"], "speed-per-row-at-64")
		})
	}
}

// benchMatMuls gives the median CPU seconds, over two cores, of a GEMV with each number of rows, and of a copy.
func benchMatMuls(b *testing.B, dev *vk.Device, rows []int) (map[string]float64, float64) {
	arena := dev.NewArena("bench", vk.DeviceLocal)
	b.Cleanup(arena.Free)
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	w, err := shaders.NewMatrix(arena, benchRows, benchCols, format.BF16, dev.Caps().ShardLimit())
	must(err)
	for _, s := range w.Shards {
		must(dev.Fill(s.Span, 0x3f803f80)) // ones: sums do not get faster by their values
	}
	x, err := shaders.NewTensor(arena, 64, benchCols)
	must(err)
	y, err := shaders.NewTensor(arena, 64, benchRows)
	must(err)
	must(dev.Fill(x.Span, 0x3f800000))

	programs := map[string]*vk.Program{}
	record := func(name string, n int, o shaders.Options) {
		k, err := shaders.New(dev, o)
		must(err)
		r := k.Record(name)
		r.MatMul(y.First(n), w, x.First(n))
		p, err := r.End()
		must(err)
		b.Cleanup(p.Free)
		must(dev.Run(context.Background(), vk.RunOptions{}, p)) // the first run compiles
		programs[name] = p
	}
	for _, n := range rows {
		record(fmt.Sprint(n), n, shaders.Options{})
	}

	src, dst := make([]byte, benchRows*benchCols*2), make([]byte, benchRows*benchCols*2)
	for i := range src { // memory that nobody has written is one page of zeros, read from the cache
		src[i] = byte(i)
	}
	copyAll(dst, src)
	all := map[string][]float64{}
	for b.Loop() {
		for range 7 {
			all["copy"] = append(all["copy"], cpuSeconds(func() { copyAll(dst, src) })/2)
			for name, p := range programs {
				all[name] = append(all[name], cpuSeconds(func() { must(dev.Run(context.Background(), vk.RunOptions{}, p)) })/2)
			}
		}
	}
	medians := map[string]float64{}
	for name, list := range all {
		slices.Sort(list)
		medians[name] = list[len(list)/2]
		b.Logf("%s %-10s %7.1f ms of cpu on each of two cores (%.1f to %.1f)", dev.Caps().Name, name, medians[name]*1e3, list[0]*1e3, list[len(list)-1]*1e3)
	}
	return medians, medians["copy"]
}

func copyAll(dst, src []byte) {
	var wg sync.WaitGroup
	half := len(src) / 2
	wg.Go(func() { copy(dst[:half], src[:half]) })
	wg.Go(func() { copy(dst[half:], src[half:]) })
	wg.Wait()
}

// cpuSeconds is the CPU time that this process spends in f, in all its threads.
func cpuSeconds(f func()) float64 {
	from := roofline.CPUTime()
	f()
	return (roofline.CPUTime() - from).Seconds()
}
