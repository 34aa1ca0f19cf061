package tune

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"muninn/shaders"
	"muninn/vk"
)

// Rows of x that a product is measured with: of a token that is decoded, and of a prompt, which counts by the row. Tiles take most.
var xRows = []int{1, 16}

const mostRows = 64

// situation is a use with so many rows of x.
type situation struct{ use, n int }

// bench records programs over scratch memory, and keeps each.
type bench struct {
	*meter
	job     Job
	arena   *vk.Arena
	weights vk.Span // all products read theirs from here, from one place after another
	entries map[string]*entry
	of      []operands // of each use
	words   vk.Span    // row table, weights of norms, bias
	arrived vk.Span
	half    vk.Span // rows in half precision

	attention *heads // nil: there is none

	compiles time.Duration // the longest that a lot has taken
}

// scratchBytes are what programs go through, so that caches do not hold it: more than they have on GPUs, where memory allows, and no more
// than takes a device a moment. On CPU devices products are bound by what they compute.
func scratchBytes(c vk.Caps, s vk.Speed) uint64 {
	least, most, share := 4<<20, 64<<20, 500. // of what it reads in a second
	switch {
	case shaders.SharesCPU(c):
		least, most = 8<<20, 8<<20
	case c.Type == "discrete":
		most = 128 << 20
	}
	size := min(uint64(most), max(uint64(least), uint64(s.Read/share)), c.ShardLimit())
	if heaps := c.HeapsOf(vk.DeviceLocal); len(heaps) > 0 {
		size = min(size, c.Heaps[heaps[0]].Size/8)
	}
	return size &^ (2*align - 1) // each of two matrices has a half
}

const align = 256 // of what is bound

func newBench(m *meter, j Job) (*bench, error) {
	k, err := shaders.New(m.dev, j.Kernels)
	if err != nil {
		return nil, err
	}
	j.Uses = measurable(j.Uses, k.Tuning)
	b := &bench{meter: m, job: j, arena: m.dev.NewArena("tune", vk.DeviceLocal), entries: map[string]*entry{}}
	if err = b.allocate(); err != nil {
		b.free()
		return nil, fmt.Errorf("tune: %w", err)
	}
	return b, nil
}

// measurable are the uses of which anything can be measured; a norm is beside its product where both can be one.
func measurable(uses []Use, t shaders.Tuning) []Use {
	any := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return len(t.Measurable(name)) > 1 })
	}
	uses = slices.DeleteFunc(slices.Clone(uses), func(u Use) bool {
		return u.Op == Norm && !any("norm lanes") || u.Op == Attention && !any(attentionSettings...)
	})
	for i := range uses {
		uses[i].Normed = uses[i].Normed && any("norm rows")
	}
	return uses
}

func (b *bench) free() {
	for _, e := range b.entries {
		if e.prog != nil {
			e.prog.Free()
		}
	}
	b.arena.Free()
}

// config is a choice: settings for the device, and how the product in question is taken; nil: by rule.
type config struct {
	settings []shaders.Setting
	gemv     *shaders.GEMV
}

// options are those of kernels by a config, for one use.
func (b *bench) options(c config, u Use) shaders.Options {
	o := b.job.Kernels
	o.Measured = shaders.Measured{Settings: c.settings}
	if c.gemv != nil {
		for _, int8 := range []bool{false, true} {
			p := shaders.Product{Op: u.Op, Format: u.Format, Int8: int8} // of any size, as it is cut
			o.Measured.GEMVs = append(o.Measured.GEMVs, shaders.MeasuredGEMV{Product: p, GEMV: *c.gemv})
		}
	}
	return o
}

// int8 tells whether a use multiplies int8 activations.
func int8(t shaders.Tuning, u Use, n int) bool {
	return u.Int8 && t.PaysInt8(u.Format, n) && (!u.Written || t.WritesInt8(u.Format, n))
}

// rule is how a use is taken by a tuning, tune the same of so many of its rows.
func rule(t shaders.Tuning, u Use) shaders.GEMV { return tune(t, u, u.Rows) }

func tune(t shaders.Tuning, u Use, rows int) shaders.GEMV {
	return t.GEMV(u.Op, u.Format, rows, u.Cols, int8(t, u, 1))
}

// entry is the program of a situation by a config, recorded but not compiled; those that come to the same are one.
func (b *bench) entry(at situation, c config) (*entry, *shaders.Recorder, error) {
	u := b.job.Uses[at.use]
	if c.gemv == nil && u.product() {
		k, err := shaders.New(b.dev, b.options(c, u))
		if err != nil {
			return nil, nil, err
		}
		g := rule(k.Tuning, u)
		c.gemv = &g
	}
	k, err := shaders.New(b.dev, b.options(c, u))
	if err != nil {
		return nil, nil, err
	}
	key := b.key(k.Tuning, u, at)
	if e := b.entries[key]; e != nil {
		return e, nil, nil
	}
	e := &entry{at: at, config: c}
	b.entries[key] = e
	r := k.Record("tune")
	r.Profile()
	r.Halves(b.half)
	e.bytes = b.record(r, k.Tuning, at)
	return e, r, nil
}

// key names what a program does, as far as choices make it differ.
func (b *bench) key(t shaders.Tuning, u Use, at situation) string {
	switch {
	case u.Op == Norm:
		return fmt.Sprint(at, t.Subgroup, t.NormLanes)
	case u.Op == Attention:
		return fmt.Sprint(at, t.Subgroup, t.Queries, t.Positions, t.Loads)
	case at.n > t.GEMVRows:
		return fmt.Sprint(at, "tiles", t.Subgroup, t.OnMatrixUnits(u.Format, at.n), t.TileResults, int8(t, u, at.n), t.Dot)
	}
	g := t.GEMV(u.Op, u.Format, b.cut(u), u.Cols, int8(t, u, at.n))
	if at.n == 1 {
		g.XRows = 1
	}
	norms := u.Normed && at.n <= t.NormRows
	if int8(t, u, at.n) {
		return fmt.Sprint(at, t.Subgroup, g, norms, "int8", t.Dot)
	}
	return fmt.Sprint(at, t.Subgroup, g, norms, t.BlockTexels && u.Format.Blocked())
}

// entriesOf are the programs of a situation by several configs but those that have lost, compiled side by side. One that does not compile
// has an error.
func (b *bench) entriesOf(at situation, list []config, lost []bool) ([]*entry, error) {
	entries := make([]*entry, len(list))
	var wg sync.WaitGroup
	room := make(chan struct{}, min(4, runtime.GOMAXPROCS(0)))
	began := time.Now()
	var err error
	for i, c := range list {
		if entries[i] = (&entry{err: errLost}); lost[i] {
			continue
		}
		if err = b.late(b.compiles); err != nil {
			break
		}
		var r *shaders.Recorder
		if entries[i], r, err = b.entry(at, c); err != nil {
			break
		}
		if e := entries[i]; r != nil {
			room <- struct{}{}
			wg.Go(func() {
				e.prog, e.err = r.End()
				<-room
			})
		}
	}
	wg.Wait()
	b.compiles = max(b.compiles, time.Since(began)/time.Duration((len(list)+cap(room)-1)/cap(room)))
	for _, e := range entries {
		if e != nil && errors.Is(e.err, vk.ErrDeviceLost) {
			return nil, e.err
		}
	}
	return entries, err
}

var errLost = errors.New("tune: far behind")
