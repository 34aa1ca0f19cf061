package main

import (
	"maps"
	"slices"
)

// cacheEntries counts the positions in each of the reference's cache slots after a text of that many positions: prelude
// block i is slot i, slot t of core block j is P + t R + j (blocks on end that share their slots count once), coda block i is
// -1-i. Slots without any are left out.
func cacheEntries(m *loaded, s session, positions int) map[int]int {
	cfg, shared, entries := m.config, s.Lookup().Blocks, map[int]int{}
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

// compareEntries compares the counts of all slots.
func compareEntries(got, want map[int]int, c *check) {
	all := maps.Clone(got)
	maps.Copy(all, want)
	for _, slot := range slices.Sorted(maps.Keys(all)) {
		if n, ok := want[slot]; !ok {
			c.errorf("cache slot %d holds %d positions, want none", slot, got[slot])
		} else if got[slot] != n {
			c.errorf("cache slot %d holds %d positions, want %d", slot, got[slot], n)
		}
	}
}
