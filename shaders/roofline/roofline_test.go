package roofline

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"muninn/vk"
	"muninn/vk/vktest"
)

// TestMeasure: figures that a CPU can have, within the time that a start may take on a loaded machine.
func TestMeasure(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		start := time.Now()
		s, err := Measure(t.Context(), d, Quick(d.Caps()))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%.2f GB/s, %.1f GFLOP/s, %v a dispatch, in %v", s.Read/1e9, s.FMA/1e9, s.Dispatch, time.Since(start))
		if s.Read < 0.1e9 || s.Read > 1e12 || s.FMA < 0.5e9 || s.FMA > 1e13 || s.Dispatch <= 0 || s.Dispatch > 10*time.Millisecond {
			t.Errorf("%+v is not what a CPU does", s)
		}
		if n := d.Timings(); len(n) != 0 {
			t.Errorf("the measurement is among the timings: %v", n)
		}
	})
}

// TestWarm: a GPU is kept busy before it is measured, within the time of a start.
func TestWarm(t *testing.T) {
	d := vktest.Open(t, vktest.Names()[0], vk.Options{})
	e := Quick(vk.Caps{Type: "discrete"})
	if e.Warm <= 0 || e.Warm > 100*time.Millisecond || Quick(d.Caps()).Warm != 0 {
		t.Errorf("warming up for %v on a GPU, %v on a CPU", e.Warm, Quick(d.Caps()).Warm)
	}
	e.Buffer = 16 << 20
	start := time.Now()
	if _, err := Measure(t.Context(), d, e); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < e.Warm {
		t.Errorf("measured in %v, warming up alone takes %v", took, e.Warm)
	}
}

// TestCalibrate: a cancelled measurement is an error and leaves the device as it was; a kept one takes no dispatch.
func TestCalibrate(t *testing.T) {
	dir := t.TempDir()
	d := vktest.Open(t, vktest.Names()[0], vk.Options{CacheDir: dir})
	before := d.Speed()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Calibrate(ctx, d); !errors.Is(err, context.Canceled) || d.Speed() != before {
		t.Errorf("cancelled: %v, speed %+v", err, d.Speed())
	}
	s, err := Calibrate(t.Context(), d)
	if err != nil || d.Speed() != s || s == before {
		t.Errorf("%v, speed %+v set of %+v", err, d.Speed(), s)
	}
	for range 2 {
		d := vktest.Open(t, vktest.Names()[0], vk.Options{CacheDir: dir})
		if got, err := Calibrate(t.Context(), d); err != nil || got.Read < s.Read || got.FMA < s.FMA || got.Dispatch > s.Dispatch {
			t.Errorf("%+v after a start with %+v, %v", got, s, err)
		}
		s = d.Speed()
	}
	again := vktest.Open(t, vktest.Names()[0], vk.Options{CacheDir: dir})
	if got, err := Calibrate(t.Context(), again); err != nil || got != s || again.Counters().Dispatches != 0 {
		t.Errorf("fourth start: %+v after %d dispatches, %v; want %+v kept", got, again.Counters().Dispatches, err, s)
	}
}

// TestMeasureFails: a device that is lost or full is an error, and everything is given back.
func TestMeasureFails(t *testing.T) {
	for p, want := range map[vktest.Fault]error{vktest.Submit: vk.ErrDeviceLost, vktest.Wait: vk.ErrDeviceLost, vktest.Pipeline: nil} {
		d := vktest.Open(t, vktest.Names()[0], vk.Options{})
		vktest.Fail(d, p, 2)
		if _, err := Measure(t.Context(), d, Quick(d.Caps())); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("fault %d: %v", p, err)
		}
	}
	// Memory that runs out makes the buffer smaller.
	d := vktest.Open(t, vktest.Names()[0], vk.Options{})
	vktest.Fail(d, vktest.Alloc, 1)
	if _, err := Measure(t.Context(), d, Quick(d.Caps())); err != nil {
		t.Errorf("out of memory once: %v", err)
	}
}

func TestSeconds(t *testing.T) {
	cores := time.Duration(min(runtime.GOMAXPROCS(0), driverThreads))
	gpu, cpu := vk.Caps{Type: "discrete"}, vk.Caps{Type: "cpu"}
	for _, c := range []struct {
		name    string
		caps    vk.Caps
		samples []sample
		want    float64
	}{
		{"timestamps", gpu, []sample{{device: 10, wall: 20, cpu: 30}}, 10},
		{"no timestamps", gpu, []sample{{wall: 20, cpu: 30}}, 20},
		{"no CPU clock", cpu, []sample{{device: 10, wall: 20}}, 20},
		{"all cores busy", cpu, []sample{{wall: 20, cpu: 20 * cores}}, 20},
		{"neighbours take three quarters of the machine", cpu, []sample{{wall: 80, cpu: 20 * cores}}, 20},
		{"a driver of more threads", cpu, []sample{{wall: 20, cpu: 40 * cores}}, 20},
	} {
		if got := seconds(c.caps, c.samples, false)[0] * 1e9; got < c.want-0.01 || got > c.want+0.01 {
			t.Errorf("%s: %v ns, want %v", c.name, got, c.want)
		}
	}
}

// BenchmarkMeasure gives the figures of a thorough measurement, and how long it took.
//
//	go test -run - -bench Measure -benchtime 1x ./shaders/roofline
func BenchmarkMeasure(b *testing.B) {
	for _, name := range vktest.Names() {
		b.Run(name, func(b *testing.B) {
			d := vktest.Open(b, name, vk.Options{})
			for b.Loop() {
				s, err := Measure(b.Context(), d, Thorough(d.Caps()))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(s.Read/1e9, "read-GB/s")
				b.ReportMetric(s.FMA/1e9, "fma-GFLOP/s")
				b.ReportMetric(float64(s.Dispatch)/1e3, "us/dispatch")
			}
		})
	}
}
