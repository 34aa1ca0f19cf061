package roofline

import (
	"math"
	"testing"
	"time"

	"muninn/vk"
)

// clockwork is a device made of figures: what a unit of work and a run take on the wall, and what its timestamps say.
type clockwork struct {
	unit, run time.Duration
	says      func(wall time.Duration) time.Duration

	most, runs int
	wall       time.Duration // in all
}

func (c *clockwork) work(n, times int) ([]sample, error) {
	list := make([]sample, times)
	for i := range list {
		wall := time.Duration(n)*c.unit + c.run
		list[i] = sample{wall: wall, device: c.says(wall - c.run)}
		c.wall += wall
		c.runs++
	}
	c.most = max(c.most, n)
	return list, nil
}

// TestRate: the time and the number of units of a measurement are bounded whatever the device says, and what it says is believed
// only where the wall allows it.
func TestRate(t *testing.T) {
	const most, us, ms = 1 << 14, time.Microsecond, time.Millisecond
	honest := func(d time.Duration) time.Duration { return d }
	always := func(d time.Duration) func(time.Duration) time.Duration {
		return func(time.Duration) time.Duration { return d }
	}
	for _, c := range []struct {
		name   string
		device clockwork
		want   float64 // units a second; 0 for an error
	}{
		{"timestamps", clockwork{unit: 5 * us, run: 100 * us, says: honest}, 200e3},
		{"a slow device", clockwork{unit: 20 * ms, run: ms, says: honest}, 50},
		{"no timestamps", clockwork{unit: 50 * us, says: always(0)}, 20e3},
		{"it finishes at once", clockwork{says: always(0)}, 0},
		{"it finishes at once and has timestamps", clockwork{run: 30 * us, says: always(1)}, 0},
		{"timestamps that do not move on", clockwork{unit: 5 * us, says: always(ms)}, 200e3},
		{"timestamps a thousand times too short", clockwork{unit: 50 * us, says: func(d time.Duration) time.Duration { return d / 1000 }}, 20e3},
		{"timestamps a thousand times too long", clockwork{unit: 50 * us, says: func(d time.Duration) time.Duration { return 1000 * d }}, 20e3},
	} {
		m := &meter{effort: Effort{Least: 4 * ms, Reps: 3}, caps: vk.Caps{Type: "discrete"}}
		got, err := m.rate(1, most, c.device.work)
		if math.Abs(got-c.want) > 0.15*c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%s: %.0f units a second (%v), want %.0f", c.name, got, err, c.want)
		}
		if c.device.most > most || c.device.wall > time.Second || c.device.runs > 60 {
			t.Errorf("%s: up to %d units, %d runs, %v", c.name, c.device.most, c.device.runs, c.device.wall)
		}
	}
}
