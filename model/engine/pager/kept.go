package pager

import (
	"muninn/model/decode"
	"muninn/shaders"
	"slices"
)

// KeptAs is how the positions of a text were run: only those that would be run alike share pages.
type KeptAs struct {
	Run       decode.Run
	Seed      uint64
	Stream    uint64
	InitScale float64
}

// Kept is a page of a text that has left, behind those of its beginning.
type Kept struct {
	tokens []int32
	units  []uint32 // of the position's own pool, and of the core's slots; noUnit where a slot has none
	next   []*Kept
	used   int
}

// Room is how many units of a pool nobody has but texts that are only kept, which make room: as Free counts.
func (g *Pager) Room(core bool) int {
	n := g.Free(core)
	pool, from, to := &g.pools[0], 0, 1
	if core {
		pool, from, to = &g.pools[1], 1, 1+g.Core.Count()
	}
	g.walk(func(_ *Kept, k *Kept, _ int) {
		for _, unit := range k.units[from:to] {
			if unit != noUnit && pool.refs[unit] == 1 {
				n++
			}
		}
	})
	return n
}

// InUse is how many pages of a path some sequence has too.
func (g *Pager) InUse(path []*Kept) (n int) {
	for _, k := range path {
		if g.pools[0].refs[k.units[0]] > 1 {
			n++
		}
	}
	return n
}

// walk visits all kept pages: each with the one before it, and its place behind that.
func (g *Pager) walk(visit func(parent, k *Kept, i int)) {
	var down func(at *Kept)
	down = func(at *Kept) {
		for i, k := range at.next {
			visit(at, k, i)
			down(k)
		}
	}
	for _, root := range g.roots {
		down(root)
	}
}

// Keep remembers the pages of a sequence, which holds these tokens, for sequences that begin alike.
func (g *Pager) Keep(seq int, as KeptAs, tokens []int32) {
	at := g.roots[as]
	if at == nil {
		at = &Kept{}
		g.roots[as] = at
	}
	var path []*Kept
	for page := range shaders.PagesOf(len(tokens)) {
		part := tokens[page*shaders.PagePositions:]
		part = part[:min(len(part), shaders.PagePositions)]
		i := slices.IndexFunc(at.next, func(k *Kept) bool { return common(k.tokens, part) == len(part) })
		if i < 0 {
			i = len(at.next)
			at.next = append(at.next, g.hold(seq, page, part))
		}
		at = at.next[i]
		path = append(path, at)
	}
	g.touch(path)
}

// hold is a page of a sequence, referred to once more.
func (g *Pager) hold(seq, page int, tokens []int32) *Kept {
	k := &Kept{tokens: slices.Clone(tokens)}
	for lane := range 1 + g.Core.Count() {
		at, pool := g.lane(seq, lane, page)
		if k.units = append(k.units, *at); *at != noUnit {
			pool.refs[*at]++
		}
	}
	return k
}

// Match are the kept pages of the longest text that begins like tokens, and how many of these that is. The last page may hold more.
func (g *Pager) Match(as KeptAs, tokens []int32) (path []*Kept, held int) {
	for at := g.roots[as]; at != nil; {
		var best *Kept
		most := 0
		for _, k := range at.next {
			if n := common(k.tokens, tokens[held:]); n > most {
				best, most = k, n
			}
		}
		if best == nil {
			break
		}
		path, held = append(path, best), held+most
		if at = best; most < shaders.PagePositions {
			break
		}
	}
	return path, held
}

// Share gives a sequence without pages those that match found, the last of which is copied when the sequence goes on.
func (g *Pager) Share(seq int, path []*Kept) {
	for page, k := range path {
		for lane, unit := range k.units {
			if unit != noUnit {
				to, pool := g.lane(seq, lane, page)
				*to, g.Changed = unit, true
				pool.refs[unit]++
			}
		}
	}
	g.touch(path)
}

// touch notes that pages have been used, the first of a text as the last: those behind them go before them.
func (g *Pager) touch(path []*Kept) {
	for _, k := range slices.Backward(path) {
		g.clock++
		k.used = g.clock
	}
}

// forget lets the least used page go that none is kept behind; false when none is kept.
func (g *Pager) forget() bool {
	var parent *Kept
	var last int
	g.walk(func(at, k *Kept, i int) {
		if len(k.next) == 0 && (parent == nil || k.used < parent.next[last].used) {
			parent, last = at, i
		}
	})
	if parent == nil {
		return false
	}
	for lane, unit := range parent.next[last].units {
		if unit != noUnit {
			g.pools[min(lane, 1)].release(unit)
		}
	}
	parent.next = slices.Delete(parent.next, last, last+1)
	return true
}

// common is how many elements a and b have alike from the first on.
func common(a, b []int32) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
