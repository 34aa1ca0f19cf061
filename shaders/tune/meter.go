package tune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"muninn/shaders/roofline"
	"muninn/vk"
)

// errLate ends a search whose time is up; what it has found by then counts.
var errLate = errors.New("tune: the time is up")

// errClock says that the device's clock cannot be believed, so that the rules stand.
var errClock = errors.New("the device's clock is not to be believed")

// sample is one run of a program: its time by the device's timestamps (0 without), on the wall, and as it counts on a CPU device.
type sample struct{ device, wall, busy time.Duration }

// entry is a program under measurement.
type entry struct {
	at     situation
	config config
	prog   *vk.Program
	bytes  uint64        // that it reads
	all    []float64     // of the latest race
	wall   time.Duration // the shortest run
	err    error         // it cannot be compiled
}

// least is the time that counts; what disturbs only adds to it.
func (e *entry) least() float64 { return slices.Min(e.all) }

// noise is how far the third least sample lies above the least. On a device that is disturbed that is less the more samples there are;
// of a clock that says anything it stays.
func (e *entry) noise() float64 {
	all := slices.Sorted(slices.Values(e.all))
	return all[min(2, len(all)-1)]/all[0] - 1
}

// beats tells whether e is faster than another by more than chance: by a share at least, and by half of what either wavers.
func (e *entry) beats(other *entry, share float64) bool {
	return e.least() < other.least()*(1-max(share, e.noise()/2, other.noise()/2))
}

// meter times programs on a device.
type meter struct {
	ctx      context.Context
	dev      *vk.Device
	caps     vk.Caps
	deadline time.Time
	limit    time.Duration // of the whole search; 0: the level's
	own      bool          // the device has the host's clock: it shares the CPU
	read     func(*entry) (sample, error)
}

func newMeter(ctx context.Context, dev *vk.Device, own bool, deadline time.Time) *meter {
	m := &meter{ctx: ctx, dev: dev, caps: dev.Caps(), own: own, deadline: deadline}
	m.read = func(e *entry) (sample, error) {
		watch := roofline.Start()
		err := dev.Run(ctx, vk.RunOptions{}, e.prog)
		lap := watch.Stop(m.caps)
		return sample{e.prog.Took(), lap.Wall, lap.Busy}, err
	}
	return m
}

// late tells whether the time is up for what takes so long.
func (m *meter) late(takes time.Duration) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	if time.Now().Add(takes).After(m.deadline) {
		return errLate
	}
	return nil
}

// Bounds of what a clock may say: no device reads so many bytes a second; none is idle for nearly all of a run that takes long.
const (
	mostRead = 2e13
	overhead = 20 * time.Millisecond
	idle     = 16
)

// run runs an entry once. A first run only warms up.
func (m *meter) run(e *entry, counts bool) error {
	if err := m.late(0); err != nil {
		return err
	}
	s, err := m.read(e)
	switch {
	case err != nil:
		return err
	case m.own:
		s.device = s.busy
	case s.device <= 0:
		return fmt.Errorf("%w: it says nothing", errClock)
	case s.device > s.wall:
		return fmt.Errorf("%w: work of %v took it %v", errClock, s.wall, s.device)
	}
	if s.device <= 0 || !counts {
		return nil
	}
	e.all = append(e.all, s.device.Seconds())
	if e.wall == 0 || s.wall < e.wall {
		e.wall = s.wall
	}
	return nil
}

// warm keeps a GPU busy for a while: an idle one takes some time to raise its clock.
func (m *meter) warm(e *entry) (err error) {
	const enough = 50 * time.Millisecond
	for start := time.Now(); err == nil && !m.own && time.Since(start) < enough; {
		err = m.run(e, true)
	}
	return err
}

// plausible tells why an entry's times cannot be.
func (m *meter) plausible(e *entry) error {
	least := e.least()
	if float64(e.bytes)/least > mostRead || !m.own && e.wall > overhead && e.wall.Seconds() > idle*least {
		return fmt.Errorf("%w: reading %d bytes took %v, and it says %.3g s", errClock, e.bytes, e.wall, least)
	}
	return nil
}

// Rounds of a race: fewer where one takes long, or where samples hardly differ. Who is behind by a share has lost.
const (
	quickRounds = 5
	fewest      = 3
	finalRounds = 9
	roundTime   = 25 * time.Millisecond
	still       = 0.02
	behind      = 1.25
	near        = 1.1 // of the best with one row of x: those with many cannot make up for more
)

// race times entries in turn, round after round, until the slow ones are out. Afterwards each has samples of this race alone, or an
// error: what else the machine does may have been less when others were taken.
func (m *meter) race(list []*entry, rounds int) error {
	var alive []*entry
	for _, e := range list {
		if e.err == nil && !slices.Contains(alive, e) {
			alive = append(alive, e)
		}
	}
	for _, e := range alive {
		if e.wall == 0 {
			if err := m.run(e, false); err != nil {
				return err
			}
		}
		e.all = nil
	}
	for round := 0; round < rounds && (len(alive) > 1 || round < fewest); round++ {
		start := time.Now()
		best, err := m.round(alive)
		if err != nil {
			return err
		}
		if each := time.Since(start) / time.Duration(max(len(alive), 1)); each > roundTime {
			rounds = max(2, min(rounds, int(quickRounds*roundTime/each)))
		}
		if rounds < finalRounds {
			if round+1 >= fewest && !slices.ContainsFunc(alive, func(e *entry) bool { return e.noise() > still }) {
				return nil
			}
			share := behind
			if round == 0 {
				share *= 2 // something else may have run
			}
			alive = slices.DeleteFunc(alive, func(e *entry) bool { return e.least() > share*best })
		}
	}
	return nil
}

// round runs each entry once more, and tells the least time of any so far.
func (m *meter) round(list []*entry) (best float64, err error) {
	for _, e := range list {
		if err := m.run(e, true); err != nil {
			return 0, err
		}
		if len(e.all) == 0 {
			return 0, fmt.Errorf("%w: it says nothing", errClock)
		}
		if err := m.plausible(e); err != nil {
			return 0, err
		}
		if t := e.least(); best == 0 || t < best {
			best = t
		}
	}
	return best, nil
}
