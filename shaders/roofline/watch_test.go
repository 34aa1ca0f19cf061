package roofline

import (
	"testing"
	"time"

	"muninn/vk"
)

// Idle time is none of the device's where the device is the CPU, and all of it elsewhere.
func TestWatch(t *testing.T) {
	const idle = 60 * time.Millisecond
	w := Start()
	time.Sleep(idle)
	cpu, gpu := w.Stop(vk.Caps{Type: "cpu"}), w.Stop(vk.Caps{Type: "discrete"})
	if cpu.Wall < idle || gpu.Wall < idle || gpu.Busy != gpu.Wall.Round(time.Nanosecond) && gpu.Busy < idle {
		t.Errorf("an idle %v: %+v on a CPU, %+v on a GPU", idle, cpu, gpu)
	}
	if cpu.CPU > 0 && cpu.Busy > idle/2 {
		t.Errorf("an idle %v counts as %v of a CPU device", idle, cpu.Busy)
	}
	w = Start()
	for x, start := 1.0, time.Now(); time.Since(start) < idle; {
		x *= 1.0000001
	}
	if lap := w.Stop(vk.Caps{Type: "cpu"}); lap.CPU > lap.Wall || lap.Busy <= 0 {
		t.Errorf("a busy %v: %+v", idle, lap)
	}
}
