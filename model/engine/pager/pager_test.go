package pager

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"muninn/shaders"
)

const pageSlots = 2

// testPager has so many units in either pool, for sequences of up to 8 pages.
func testPager(sequences, units, coreUnits int) *Pager {
	return New(shaders.Pages{Sequences: sequences, PerSequence: 8, Units: units, Core: shaders.Slots{Period: pageSlots}, CoreUnits: coreUnits})
}

// consistent checks that every unit is referred to as often as it counts, and free if it is not.
func (g *Pager) consistent(t *testing.T) {
	t.Helper()
	refs := [2][]int{make([]int, g.Units), make([]int, g.CoreUnits)}
	for i, unit := range g.Table {
		if unit != noUnit {
			refs[min(i/(g.Sequences*g.PerSequence), 1)][unit]++
		}
	}
	var walk func(k *Kept)
	walk = func(k *Kept) {
		for lane, unit := range k.units {
			if unit != noUnit {
				refs[min(lane, 1)][unit]++
			}
		}
		for _, n := range k.next {
			walk(n)
		}
	}
	for _, root := range g.roots {
		walk(root)
	}
	for i, pool := range g.pools {
		if !slices.Equal(pool.refs, refs[i]) {
			t.Fatalf("pool %d counts %v, referred to %v", i, pool.refs, refs[i])
		}
		for unit, n := range pool.refs {
			if (n == 0) != slices.Contains(pool.free, uint32(unit)) {
				t.Fatalf("pool %d: unit %d with %d references, free %v", i, unit, n, pool.free)
			}
		}
	}
}

func text(n int, from int32) (tokens []int32) {
	for i := range n {
		tokens = append(tokens, from+int32(i))
	}
	return tokens
}

func (g *Pager) mustWrite(t *testing.T, seq, from, to int) []Copy {
	t.Helper()
	copies, err := g.Write(seq, from, to, pageSlots)
	if err != nil {
		t.Fatal(err)
	}
	g.consistent(t)
	return copies
}

// Pages are taken as they are written, and given back.
func TestPagesAsWritten(t *testing.T) {
	g := testPager(2, 4, 8)
	g.mustWrite(t, 0, 0, 33)
	g.mustWrite(t, 0, 33, 64)
	if n := len(g.pools[0].free); n != 2 {
		t.Errorf("%d pages left of 4, want 2 beside 64 positions", n)
	}
	g.mustWrite(t, 1, 0, 64)
	if _, err := g.Write(0, 64, 65, pageSlots); !errors.Is(err, ErrNoPages) {
		t.Errorf("a fifth page of 4: %v", err)
	}
	g.LeaveSlots(0, 0, 1)
	if n := len(g.pools[1].free); n != 1 {
		t.Errorf("%d units free after one slot of one whole page was given back", n)
	}
	g.Drop(1, 32)
	g.consistent(t)
	if len(g.pools[0].free) != 1 || len(g.pools[1].free) != 1+pageSlots {
		t.Errorf("%d and %d free after a page was dropped", len(g.pools[0].free), len(g.pools[1].free))
	}
}

// A prefix is stored once, and what goes on behind it copies the page that it ends in.
func TestPagesShared(t *testing.T) {
	g := testPager(3, 24, 48)
	tokens := text(250, 7)
	g.mustWrite(t, 0, 0, len(tokens))
	g.Keep(0, KeptAs{}, tokens)
	g.Drop(0, 0)
	g.consistent(t)
	before := len(g.pools[0].free)
	for seq := 1; seq < 3; seq++ {
		if held := g.shareLike(seq, append(text(240, 7), 1, 2, 3)); held != 240 {
			t.Fatalf("%d positions held, want 240", held)
		}
	}
	if len(g.pools[0].free) != before {
		t.Error("sharing took pages")
	}
	shared := g.Table[g.PerSequence+7]
	copies := g.mustWrite(t, 1, 240, 250)
	if len(copies) != 1+pageSlots || copies[0].Core || copies[0].Src != shared || copies[0].Dst != g.Table[g.PerSequence+7] {
		t.Errorf("copies %v of shared unit %d, want the page of all %d lanes", copies, shared, 1+pageSlots)
	}
	if copies = g.mustWrite(t, 1, 250, 251); copies != nil {
		t.Errorf("copied again: %v", copies)
	}
	if g.Table[2*g.PerSequence+7] != shared {
		t.Error("another sequence's page has changed")
	}
}

// The least used text goes first, its last page first, and none that a sequence has is overwritten.
func TestPagesForgotten(t *testing.T) {
	g := testPager(1, 4, 100)
	for i, from := range []int32{0, 1000} {
		g.mustWrite(t, 0, 0, 64)
		g.Keep(0, KeptAs{}, text(64, from))
		g.Drop(0, 0)
		if n := len(g.pools[0].free); n != 2-2*i {
			t.Fatalf("%d free", n)
		}
	}
	if held := g.shareLike(0, text(64, 0)); held != 64 { // now the second text is the one least used
		t.Fatalf("%d held", held)
	}
	g.mustWrite(t, 0, 64, 96)
	g.Drop(0, 0)
	for _, want := range []struct {
		from int32
		held int
	}{{0, 64}, {1000, 32}} {
		if held := g.shareLike(0, text(64, want.from)); held != want.held {
			t.Errorf("%d positions of the text from %d held, want %d", held, want.from, want.held)
		}
		g.Drop(0, 0)
		g.consistent(t)
	}
}

// A text that is only kept never stands in the way of the sequence that goes on from it: where no page is left to copy to, that one
// takes the kept page as its own.
func TestPagesKeptMakeRoom(t *testing.T) {
	g := testPager(1, 2, 2*pageSlots)
	g.mustWrite(t, 0, 0, 60)
	g.Keep(0, KeptAs{}, text(60, 0))
	g.Drop(0, 0)
	if held := g.shareLike(0, text(58, 0)); held != 58 {
		t.Fatalf("%d held", held)
	}
	if copies := g.mustWrite(t, 0, 58, 64); len(copies) > 0 {
		t.Errorf("copies %v, where there are no pages but its own", copies)
	}
}

// Whatever is done in whatever order, the counts are right and a written page is its sequence's alone.
func TestPagesAtRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	g := testPager(4, 20, 30)
	texts := make([][]int32, 4)
	for range 3000 {
		seq := rnd.IntN(4)
		switch n := len(texts[seq]); rnd.IntN(5) {
		case 0, 1:
			to := min(n+1+rnd.IntN(60), 8*shaders.PagePositions)
			_, err := g.Write(seq, n, to, pageSlots)
			if err == nil {
				for len(texts[seq]) < to {
					texts[seq] = append(texts[seq], rnd.Int32N(2))
				}
			}
			for page := n / shaders.PagePositions; err == nil && page < shaders.PagesOf(to); page++ {
				if at, pool := g.lane(seq, 0, page); to > n && pool.refs[*at] != 1 {
					t.Fatalf("page %d, which is written to, has %d references", page, pool.refs[*at])
				}
			}
		case 2:
			texts[seq] = texts[seq][:rnd.IntN(n+1)]
			g.Drop(seq, len(texts[seq]))
		case 3:
			g.Keep(seq, KeptAs{}, texts[seq])
		case 4:
			g.Drop(seq, 0)
			other := texts[rnd.IntN(4)]
			texts[seq] = slices.Clone(other[:g.shareLike(seq, other)])
		}
		g.consistent(t)
	}
}

// shareLike gives a sequence the kept pages of the longest text that begins like tokens.
func (g *Pager) shareLike(seq int, tokens []int32) int {
	path, held := g.Match(KeptAs{}, tokens)
	g.Share(seq, path)
	return held
}
