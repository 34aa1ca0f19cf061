package main

import (
	"maps"
	"slices"
	"strconv"

	"muninn/model/decode"
)

// cacheEntries counts the positions in each of the reference's cache slots after a text of that many positions: prelude
// block i is slot i, slot t of core block j is P + t R + j (`shared` blocks on end that share their slots count once), coda block i is
// -1-i. Slots without any are left out.
func cacheEntries(m loaded, s session, shared, positions int) map[int]int {
	cfg, entries := m.Config(), map[int]int{}
	for i := range cfg.NLayersInPrelude {
		entries[i] = positions
	}
	for i := range cfg.NLayersInCoda {
		entries[-1-i] = positions
	}
	for step := 0; s.Stored(0, 0, step) > 0; step++ {
		for block := 0; block < cfg.NLayersInRecurrentBlock; block += shared {
			slot := (step*cfg.NLayersInRecurrentBlock + block) / shared
			entries[cfg.NLayersInPrelude+slot] = s.Stored(0, block/shared, step)
		}
	}
	return entries
}

// lookupBlocks is how many core blocks on end share their slots under a strategy.
func lookupBlocks(strategy string, m loaded) int {
	l, err := decode.ParseLookup(strategy, m.Config().NLayersInRecurrentBlock)
	if err != nil { // the default strategy; a bad one has failed before
		return 1
	}
	return l.Blocks
}

// compareEntries compares the counts of all slots.
func compareEntries(got map[int]int, want map[string]int, c *check) {
	byName := map[string]int{}
	for slot, n := range got {
		byName[strconv.Itoa(slot)] = n
	}
	for _, slot := range slices.Sorted(maps.Keys(want)) {
		if byName[slot] != want[slot] {
			c.errorf("cache slot %s holds %d positions, want %d", slot, byName[slot], want[slot])
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(byName)) {
		if _, ok := want[slot]; !ok {
			c.errorf("cache slot %s holds %d positions, want none", slot, byName[slot])
		}
	}
}

// compareSlots compares which slots are in use.
func compareSlots(got map[int]int, want []int, c *check) {
	if in := slices.Sorted(maps.Keys(got)); !slices.Equal(in, want) {
		c.errorf("cache slots in use are %v, want %v", in, want)
	}
}
