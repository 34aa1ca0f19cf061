// Package pager says which pages of the cache of keys and values sequences have.
package pager

import (
	"errors"
	"fmt"

	"muninn/shaders"
)

// Pager says which units of the cache's pools sequences have: pages as they are written, shared ones by reference until somebody
// writes to them, and pages of texts that have left, the least used of which make room. It keeps the table that the device reads.
type Pager struct {
	shaders.Pages
	pools   [2]unitPool // of the positions themselves, and of the core's slots
	roots   map[KeptAs]*Kept
	clock   int
	Changed bool // the table, since it was last brought to the device
}

// unitPool are the units of a pool: how many refer to each, and which are free.
type unitPool struct {
	refs []int
	free []uint32
}

// noUnit is in the table where a sequence has no page.
const noUnit = ^uint32(0)

// Copy is a page to be copied before it is written to, because others have it too: in which pool, and which units.
type Copy struct {
	Core     bool
	Dst, Src uint32
}

// ErrNoPages is wrapped by errors of a sequence for which the pools have no page left.
var ErrNoPages = errors.New("no page of the KV cache is free")

// Free is how many units of a pool nobody has: of the core's slots, or of the positions themselves.
func (g *Pager) Free(core bool) int {
	if core {
		return len(g.pools[1].free)
	}
	return len(g.pools[0].free)
}

// New returns a Pager of pages that no sequence has yet.
func New(p shaders.Pages) *Pager {
	g := &Pager{Pages: p, roots: map[KeptAs]*Kept{}}
	if g.Table == nil {
		g.Table = make([]uint32, p.Sequences*p.PerSequence*(1+p.Core.Count()))
	}
	for i := range g.Table { // which layers' caches have too
		g.Table[i] = noUnit
	}
	for i, n := range []int{p.Units, p.CoreUnits} {
		g.pools[i].refs = make([]int, n)
		for unit := range n {
			g.pools[i].free = append(g.pools[i].free, uint32(n-1-unit))
		}
	}
	return g
}

// lane is the word of the table for a page in lane 0, the positions' own, or in lane 1 + s, slot s of the core; and its pool.
func (g *Pager) lane(seq, lane, page int) (at *uint32, pool *unitPool) {
	if lane == 0 {
		return &g.Table[seq*g.PerSequence+page], &g.pools[0]
	}
	row := g.Sequences + seq*g.Core.Count() + lane - 1
	return &g.Table[row*g.PerSequence+page], &g.pools[1]
}

// Write gives a sequence pages of its own for positions from..to and so many slots of the core, and tells which to copy first. An
// error matches ErrNoPages; what has been given by then stays.
func (g *Pager) Write(seq, from, to, slots int) (copies []Copy, err error) {
	for page := from / shaders.PagePositions; page < shaders.PagesOf(to); page++ {
		for lane := range 1 + slots {
			at, pool := g.lane(seq, lane, page)
			if *at != noUnit && pool.refs[*at] == 1 {
				continue
			}
			unit, ok := g.take(pool)
			if !ok && *at != noUnit && pool.refs[*at] == 1 {
				continue // a kept text has given up its share of it
			}
			if !ok {
				return copies, fmt.Errorf("model: page %d of sequence %d: %w: use a shorter context or fewer sequences", page, seq, ErrNoPages)
			}
			if old := *at; old != noUnit {
				if page*shaders.PagePositions < from { // what lies before is still read
					copies = append(copies, Copy{lane > 0, unit, old})
				}
				pool.release(old)
			}
			*at, g.Changed = unit, true
		}
	}
	return copies, nil
}

// take is a free unit of a pool. Kept pages make room, the least used first.
func (g *Pager) take(pool *unitPool) (unit uint32, ok bool) {
	for len(pool.free) == 0 && g.forget() {
	}
	if len(pool.free) == 0 {
		return 0, false
	}
	unit = pool.free[len(pool.free)-1]
	pool.free = pool.free[:len(pool.free)-1]
	pool.refs[unit] = 1
	return unit, true
}

func (p *unitPool) release(unit uint32) {
	if p.refs[unit]--; p.refs[unit] == 0 {
		p.free = append(p.free, unit)
	}
}

// Drop takes from a sequence the pages behind its first n positions.
func (g *Pager) Drop(seq, n int) {
	for page := shaders.PagesOf(n); page < g.PerSequence; page++ {
		g.clear(seq, page, 0)
	}
}

// LeaveSlots takes from a page of a sequence all slots of the core but the first so many.
func (g *Pager) LeaveSlots(seq, page, slots int) { g.clear(seq, page, 1+slots) }

// clear takes the lanes from one on.
func (g *Pager) clear(seq, page, lane int) {
	for ; lane < 1+g.Core.Count(); lane++ {
		if at, pool := g.lane(seq, lane, page); *at != noUnit {
			pool.release(*at)
			*at, g.Changed = noUnit, true
		}
	}
}
