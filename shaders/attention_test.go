package shaders

import "testing"

// What workgroups of attention take: rows by query heads of a key head, never more than the kernel has room for.
func TestAttentionForms(t *testing.T) {
	many, few, plain := Tuning{Tiles: true, Queries: 16}, Tuning{Tiles: true, Queries: 4}, Tuning{Tiles: true}
	units := many
	units.HalfQueries = true
	for _, c := range []struct {
		tuned             Tuning
		n, group, vectors int
		name              string // of the kernel, without its KV type
		tiles, abreast    int
		high              int
	}{
		{many, 1, 1, 24, "_staged_one", 1, 1, 1},
		{many, 64, 1, 24, "_staged_one", 1, 1, 1}, // they may be of 64 sequences
		{many, 65, 1, 24, "_staged_many", 1, 1, 16},
		{many, 1, 4, 32, "_staged_four", 1, 4, 1},
		{many, 64, 6, 24, "_staged_four", 2, 3, 1},
		{many, 65, 6, 24, "_staged_many", 1, 6, 2},
		{many, 65, 20, 32, "_staged_many", 2, 10, 1},
		{many, 65, 1, 64, "_staged_four", 1, 1, 2}, // heads of 256: two fill the lanes
		{many, 1, 4, 64, "_staged_four", 2, 2, 1},
		{few, 4, 1, 24, "_staged_one", 1, 1, 1},
		{few, 5, 1, 24, "_staged_four", 1, 1, 4},
		{few, 65, 2, 24, "_staged_four", 1, 2, 2},
		{plain, 4, 2, 24, "", 2, 1, 1},
		{plain, 5, 2, 24, "_tile", 2, 1, 4},
		{units, 65, 6, 24, "_coop", 1, 6, 10},
		{units, 64, 6, 24, "_staged_four", 2, 3, 1},
		{units, 65, 6, 64, "_staged_four", 3, 2, 1},
		{Tuning{}, 5, 2, 24, "", 2, 1, 1},
		{Tuning{Texels: true, Queries: 16}, 5, 2, 24, "_lane_sg", 2, 1, 1},
	} {
		f := c.tuned.attention(c.n, c.group, c.vectors, KVF16)
		if f.kind+f.suffix != c.name || f.tiles != c.tiles || f.abreast != c.abreast || f.high != c.high {
			t.Errorf("%d rows, %d heads of %d vectors a key: %+v; want %s, %d tiles, %d abreast, %d high", c.n, c.group, c.vectors, f, c.name, c.tiles, c.abreast, c.high)
		}
	}
}
