package main

import (
	"maps"
	"slices"
	"strconv"
)

// cacheEntries counts the positions in each of the reference's cache slots after a text of that many positions: prelude
// block i is slot i, core block j of physical step t is P + t R + j, coda block i is -1-i. Slots without any are left out.
func cacheEntries(m loaded, s session, positions int) map[int]int {
	cfg, entries := m.Config(), map[int]int{}
	for i := range cfg.NLayersInPrelude {
		entries[i] = positions
	}
	for i := range cfg.NLayersInCoda {
		entries[-1-i] = positions
	}
	for step := 0; s.Stored(0, 0, step) > 0; step++ {
		for block := range cfg.NLayersInRecurrentBlock {
			entries[cfg.NLayersInPrelude+step*cfg.NLayersInRecurrentBlock+block] = s.Stored(0, block, step)
		}
	}
	return entries
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
