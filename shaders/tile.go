package shaders

import "muninn/vk"

// tile is how a workgroup multiplies many rows of x in shared memory: the constants of lib/tile.glsl.
type tile struct {
	weightLanes, xLanes uint32
	held                uint32 // weight rows of which an invocation holds a vector at once
	results             uint32 // rows of x of an invocation, each with 8 weight rows
}

func (s tile) spec() []uint32  { return []uint32{s.weightLanes * s.xLanes, s.weightLanes, s.held} }
func (s tile) weightRows() int { return int(8 * s.weightLanes) }
func (s tile) xRows() int      { return int(s.results * s.xLanes) }

// tile is that for n rows of x and a shard of so many weight rows, which does not change a bit. The largest reads least, if it leaves
// work for all of a GPU.
func (t Tuning) tile(n, rows int, int8 bool) tile {
	held := uint32(8)
	switch {
	case t.caps.VendorID == vk.VendorIntel: // 8 lanes of 128 registers: in bf16 Mesa spills 9 with 8 rows, 2 with 4
		held = 2
	case t.adreno6() && int8: // 11 with 4 rows
		held = 2
	}
	large := tile{16, 16, held, 8}
	if int8 { // its sums take registers twice
		held = min(held, 4)
		large = tile{16, 16, held, 4}
	}
	const workgroups = 96 // a few for each of a middling GPU's cores
	over := n % large.xRows()
	switch {
	case n <= 32:
		return tile{16, 8, held, 4}
	case t.opt.TileResults == 8:
	case t.TileResults < 8 || over > 0 && over <= large.xRows()/2 || groups(n, large.xRows())*groups(rows, large.weightRows()) < workgroups:
		return tile{8, 16, held, 4}
	}
	return large
}

// tileShared is the bytes of shared memory that the largest tile takes.
const tileShared = 2 * 128 * 5 * 16

func ruleTileResults(t *Tuning) string {
	switch {
	case t.opt.TileResults > 0:
		t.TileResults = t.opt.TileResults
		return asked
	case t.caps.VendorID == vk.VendorIntel || t.smallRegisters() || t.adreno6() || t.caps.Apple():
		t.TileResults = 4
		return "few registers: more results spill them"
	case t.caps.MaxWorkgroupInvocations < 256 || t.caps.MaxSharedMemory < tileShared:
		t.TileResults = 4
		return "a workgroup of the device has no room for more"
	}
	t.TileResults = 8
	return "registers for 64 sums"
}

// ruleInt8Tiles goes by counts: a step of 32 along k takes eight dots, a conversion and two multiplications instead of 32 of the latter.
func ruleInt8Tiles(t *Tuning) string {
	fast := t.caps.IntegerDotAccelerated || t.caps.IntegerDotMixed
	switch {
	case !t.Int8Q8 && !t.Int8Q4:
		return "see int8"
	case !t.Tiles:
		return "see tiles"
	case t.MatrixUnits:
		return "matrix units are faster"
	}
	if t.Int8Tiles = fast || t.opt.Activations == Int8Activations; t.Int8Tiles {
		return "the device is fast at dot products, or they were asked for"
	}
	return "nothing says that it pays"
}
