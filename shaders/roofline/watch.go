package roofline

import (
	"runtime"
	"time"

	"muninn/vk"
)

// Watch times work on a device by the same clocks as the rooflines are timed by, so that the two can be divided.
type Watch struct {
	wall time.Time
	cpu  time.Duration
}

// Lap is what a piece of work took.
type Lap struct {
	Wall time.Duration
	CPU  time.Duration // of this process, spread over the cores; 0 where the system does not say
	Busy time.Duration // what counts against a roofline: CPU where the device is the CPU, else Wall
}

// Start starts a watch.
func Start() Watch { return Watch{time.Now(), CPUTime()} }

// Stop ends it.
func (w Watch) Stop(c vk.Caps) Lap {
	s := sample{wall: time.Since(w.wall), cpu: CPUTime() - w.cpu}
	busy := seconds(c, []sample{s}, false)[0]
	return Lap{s.wall, s.cpu / time.Duration(min(runtime.GOMAXPROCS(0), driverThreads)), time.Duration(busy * float64(time.Second))}
}
