package shaders

import (
	"fmt"

	"muninn/shaders/plain"
	"muninn/vk"
)

// PagePositions is how many positions a page of the cache has: PAGE of lib/pages.glsl. A sequence leaves half a page unused on
// average, in each slot.
const PagePositions = 32

// Pages says where sequences have their positions: in which units of the layers' pools of keys and values, each a page of one
// slot. The words of Span are the table of the positions' own units, [Sequences][PerSequence], which layers with one slot have
// too; the table of the core's layers, [Sequences][slots][PerSequence]; and [Units][PagePositions] how many core steps are
// stored for each position.
type Pages struct {
	Span        vk.Span
	Table       []uint32 // the words of both tables
	Sequences   int
	PerSequence int // pages of a sequence at most
	Units       int // pages of the positions' own pool
	Core        Slots
	CoreUnits   int // pages of the pool of each of the core's layers
}

// PagesOf is how many pages so many positions take.
func PagesOf(positions int) int { return (positions + PagePositions - 1) / PagePositions }

// NewPages takes from the arena what says where sequences of up to context positions lie: in pools of so many units, or, of 0, each
// in units of its own, one behind the other. The caller zeroes Span and writes Table to its beginning.
func NewPages(a *vk.Arena, sequences, context, units, coreUnits int, core Slots) (p Pages, err error) {
	p = Pages{Sequences: sequences, PerSequence: PagesOf(context), Core: core, Units: units, CoreUnits: coreUnits}
	own := sequences * p.PerSequence
	for _, n := range []int{own, own * core.Count()} {
		for i := range n {
			p.Table = append(p.Table, uint32(i))
		}
	}
	if units == 0 {
		p.Units, p.CoreUnits = own, own*core.Count()
	}
	p.Span, err = a.Alloc(uint64(p.depths()+p.Units*PagePositions) * 4)
	return p, err
}

// Depth is the numbers of core steps stored for positions of a sequence from pos on, n or as many as lie one behind the other.
func (p Pages) Depth(seq, pos, n int) vk.Span {
	cell, n := p.run(seq*p.PerSequence, pos, n)
	return p.Span.Slice(uint64(p.depths()+cell)*4, uint64(n)*4)
}

// run is where position pos lies in its pool by the row of the table that begins at word at, and how many of the n positions from there
// on lie one behind the other.
func (p Pages) run(at, pos, n int) (cell, k int) {
	page := pos / PagePositions
	first := int(p.Table[at+page])
	for k = PagePositions - pos%PagePositions; k < n; k += PagePositions {
		if next := (pos + k) / PagePositions; int(p.Table[at+next]) != first+next-page {
			break
		}
	}
	return first*PagePositions + pos%PagePositions, min(k, n)
}

// depths is how many words of tables lie before the depths.
func (p Pages) depths() int { return p.Sequences * p.PerSequence * (1 + p.Core.Count()) }

// pool is where the table of layers with such slots begins, and how many units they have.
func (p Pages) pool(s Slots) (table, units int, err error) {
	switch {
	case s.Rule == plain.RuleOne && s.Count() == 1:
		return 0, p.Units, nil
	case s == p.Core:
		return p.Sequences * p.PerSequence, p.CoreUnits, nil
	}
	return 0, 0, fmt.Errorf("shaders: a cache of slots %v in pages of slots %v", s, p.Core)
}
