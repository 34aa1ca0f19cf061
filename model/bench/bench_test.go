package bench

import (
	"math"
	"testing"
	"time"

	"muninn/shaders/roofline"
	"muninn/vk"
)

// The figures of a test follow from its laps, of which the first does not count.
func TestBenchResult(t *testing.T) {
	lap := func(wall, cpu, busy time.Duration) roofline.Lap {
		return roofline.Lap{Wall: wall, CPU: cpu, Busy: busy}
	}
	x := test{units: 10, bytes: 4e9, flops: 8e9, laps: []roofline.Lap{lap(time.Minute, 0, 0), lap(time.Second, 4e8, 5e8), lap(2*time.Second, 4e8, 5e8), lap(4*time.Second, 4e8, 5e8)}}
	r := x.result(vk.Speed{Read: 16e9, FMA: 64e9})
	for name, got := range map[string][2]float64{
		"mean": {r.Mean, 17.5 / 3}, "sd": {r.SD, math.Sqrt((math.Pow(10-17.5/3, 2) + math.Pow(5-17.5/3, 2) + math.Pow(2.5-17.5/3, 2)) / 2)},
		"median": {r.Median, 5}, "min": {r.Min, 2.5}, "max": {r.Max, 10}, "GB/s": {r.GBs, 8}, "GFLOP/s": {r.GFLOPs, 16},
		"read": {r.ReadShare, 0.5}, "fma": {r.FMAShare, 0.25}, "cpu": {r.CPU, 40}, "first": {r.First, 60}, "reps": {float64(r.Reps), 3},
	} {
		if math.Abs(got[0]-got[1]) > 1e-9 {
			t.Errorf("%s: %g, want %g", name, got[0], got[1])
		}
	}
}
