package shaders

import (
	"muninn/vk"
)

func ruleSubgroup(t *Tuning) string {
	switch {
	case t.opt.Reduction == SharedMemory:
		return asked
	case t.size == 0:
		return "no subgroup size can be counted on"
	}
	size, why := t.size, "a size that can be counted on"
	if better, because := t.betterSubgroup(); t.caps.Guarantees(better) {
		size, why = better, because
	}
	if t.Subgroup = size; t.opt.Reduction == Subgroup {
		return asked
	}
	return why
}

// betterSubgroup is the size that GPUs of a vendor do better with than with the one that the driver reports, and why; 0: the same.
// As Mesa 26.2 compiles, Intel's spilled in half of the pipelines at 32 lanes and in none at the smallest size, of 8 or 16; Adreno's
// take the same instructions with 64 lanes as with 128, of which a row's end leaves fewer idle.
func (t *Tuning) betterSubgroup() (size uint32, why string) {
	switch {
	case t.caps.IsCPU():
	case t.caps.VendorID == vk.VendorIntel:
		return t.caps.SubgroupMin, "the smallest: larger ones spill registers"
	case t.caps.VendorID == vk.VendorQualcomm && t.size > 64:
		return 64, "half of what the driver reports keeps more lanes busy"
	}
	return 0, ""
}

func ruleFixed(t *Tuning) string {
	t.Fixed = true
	switch {
	case t.Subgroup == 0:
		return "there are no others without subgroups"
	case t.opt.Vectors == Fixed:
		return asked
	case t.opt.Vectors == AutoVectors && !t.Unrolls:
		return "the driver does not unroll loops over specialization constants"
	}
	t.Fixed = false
	return "the driver unrolls loops over specialization constants"
}

// The figures for CPU devices are measured on lavapipe and SwiftShader: loads cost most there, so as many results as the compiler can
// hold share each. lavapipe reads storage buffers lane by lane; through texel buffers GEMV takes 0.5 of the time at one row and 0.6
// to 0.8 at 16, and compiles faster. Lanes of a CPU device gather as fast as they load side by side, and nothing waits at barriers:
// attention with heads of 64 of a prompt takes a third to a fifth of the time, a token with a long cache a fourth to an eighth.
func ruleTexels(t *Tuning) string {
	c := t.caps
	switch {
	case !c.IsCPU():
		return "a GPU reads storage buffers as fast"
	case t.Fixed:
		return "no fixed kernel has them"
	case t.opt.Loads == StorageBuffers:
		return asked
	case c.MaxTexels < c.ShardLimit()/4 || c.TexelAlignment > c.OffsetAlignment:
		return "a view does not reach all that is bound"
	}
	t.Texels = true
	return "the driver reads storage buffers lane by lane"
}

// The newest lavapipe fetches texels as slowly as it reads storage buffers. GEMV over floats took 0.67 to 0.86 of the time without
// texels in q8_0 and q4_0, for 1 to 64 rows, but up to 1.3 times as long in bf16, and in q4_0 over int8 1.2 to 1.5 for 2 to 8 rows.
func ruleBlockTexels(t *Tuning) string {
	if t.BlockTexels = t.Texels && !t.caps.NewLavapipe(); t.BlockTexels || !t.Texels {
		return "see texel buffers"
	}
	return "measured on this driver"
}

// Lavapipe takes 0.5 to 1.8 s to compile a GEMV of 16 weight rows and 6 to 16 of x, 0.03 and 0.07 s one of 4 and 1 or 4. The demo takes
// 0.8 of the time with these even when all are compiled: its numbers of rows vary.
const whySmall = "the model is small: little to compile"

// Several subgroups share a row's k, or a row is a chain of loads that wait for each other: q4_0 has 166 units of 16 bytes in a row of
// 5280, which are 3 on 256 lanes in 4 sets, and nearly all of their lanes busy.
func ruleGEMVLanes(t *Tuning) (why string) {
	lanes := min(256, t.caps.MaxWorkgroupInvocations, t.caps.MaxWorkgroupSize[0])
	why = "few loads of a row wait for each other"
	if t.Subgroup < 32 || t.caps.VendorID == vk.VendorQualcomm {
		lanes, why = min(lanes, 128), why+"; more would be few workgroups a core"
	}
	if n := t.Subgroup * t.caps.MaxSubgroups; n != 0 {
		lanes = min(lanes, n)
	}
	switch {
	case t.Fixed:
		return "no fixed kernel has them"
	case t.opt.GEMV.Groups > 0:
		t.GEMVLanes = uint32(t.opt.GEMV.Groups) * t.Subgroup
		return asked
	case t.caps.IsCPU():
		return "a subgroup is all that runs side by side"
	}
	t.GEMVLanes = lanes / t.Subgroup * t.Subgroup
	return why
}

func ruleWeightRows(t *Tuning) string {
	switch t.WeightRows = 4; {
	case t.opt.Small:
		return whySmall
	case t.GEMVLanes > 0 && t.smallRegisters():
		t.WeightRows = 2 * setsBeside
		return "this GPU's lanes have few registers: 2 a lane"
	case t.GEMVLanes > 0:
		t.WeightRows = 4 * setsBeside
		return "few registers: 4 a lane"
	case t.Texels:
		t.WeightRows = 16
		return "loads cost most: many results share each"
	}
	return "few registers"
}

func ruleXRows(t *Tuning) string {
	switch {
	case t.Fixed:
		t.XRows = 4
		return "the fixed kernels' number"
	case t.opt.Small && !t.smallRegisters():
		t.XRows = 4
		return whySmall
	case t.Texels && t.caps.NewLavapipe(): // 64 rows took 0.75 of the time in q4_0 over int8, 0.9 over floats, 1.0 in bf16
		t.XRows = 8
		return "measured on this driver"
	case t.Texels:
		t.XRows = 16
		return "loads cost most: many results share each"
	case t.caps.VendorID == vk.VendorIntel: // by Mesa's estimate for Xe2 a row of q4_0 takes 1.4 times as long with 6 or 8, of bf16 1.2
		t.XRows = 4
		return "few registers: more rows spill them, or take longer each"
	case t.smallRegisters():
		t.XRows = 2
		return "this GPU's lanes have few registers: more rows spill them"
	case t.caps.VendorID == vk.VendorQualcomm || t.caps.Apple():
		t.XRows = 4
		return "few registers: 6 rows spill them"
	}
	t.XRows = 8
	return "few registers"
}

func ruleTiles(t *Tuning) string {
	if t.kepler() || t.broadwell() {
		return "few registers a lane: tiles spill them 16 to 170 times"
	}
	t.Tiles = true
	return "rows share what is read"
}

// Sixteen queries want 128 lanes, registers for the scores of 8, and some 27 KiB of shared memory; four 64 lanes and 16 KiB. SwiftShader
// took 1.5 to 2.3 times as long as without: each barrier is a switch between coroutines, each way through shared memory a copy.
func ruleQueries(t *Tuning) string {
	switch {
	case !t.Tiles:
		return "see tiles"
	case t.caps.IsCPU() && t.opt.Loads != StorageBuffers:
		return "barriers are switches between coroutines, and no load waits"
	case t.smallRegisters():
		return "this GPU's lanes have few registers: it spills them"
	case t.caps.MaxSharedMemory < 32<<10:
		t.Queries = attentionTile
		return "little shared memory"
	}
	t.Queries = 16
	return "loads side by side, shared by rows and by heads of a key"
}

func ruleGEMVRows(t *Tuning) string {
	switch {
	case t.opt.VecRows > 0:
		t.GEMVRows = t.opt.VecRows
		return asked
	case t.caps.IsCPU():
		t.GEMVRows = 1 << 20
		return "barriers of tiles are switches between coroutines"
	case !t.Tiles:
		t.GEMVRows = 1 << 20
		return "see tiles"
	}
	t.GEMVRows = 16
	return "more rows are faster in tiles of shared memory"
}

func ruleMatrixUnits(t *Tuning) string {
	switch {
	case t.opt.Matrices == FloatTiles || t.opt.Matrices == AutoMatrices && t.opt.Activations == FloatActivations:
		return asked
	case len(t.caps.Matrices) == 0:
		return "the device has none that are known"
	case t.Subgroup == 0:
		return "see subgroup"
	case t.matrix().M == 0:
		return "no kernel takes matrices of its sizes"
	case t.opt.Matrices == MatrixUnits:
		t.MatrixUnits = true
		return asked
	case t.caps.IsCPU():
		return "a CPU's driver multiplies them number by number"
	case !t.Tiles:
		return "see tiles"
	}
	t.MatrixUnits = true
	return "the device has them"
}

func ruleArrivals(t *Tuning) string {
	t.Arrivals = true
	return "barriers reach the whole device"
}

// A row of 5280 on 64 lanes is 83 loads one after the other, three times, while the rest of the GPU waits. In CPU devices the lanes of a
// subgroup are what runs side by side.
func ruleNormLanes(t *Tuning) string {
	if t.NormLanes = t.Subgroup; t.Subgroup == 0 {
		return "see subgroup"
	}
	wide := t.opt.Norms == NormsInWorkgroup || t.opt.Norms == AutoNorms && !t.caps.IsCPU()
	if wide {
		t.NormLanes = max(t.Subgroup, t.mostNormLanes()/t.Subgroup*t.Subgroup)
	}
	switch {
	case t.opt.Norms != AutoNorms:
		return asked
	case wide:
		return "as many as the device allows, up to 1024: the fewest loads that wait for each other"
	}
	return "a subgroup is all that runs side by side"
}

func (t *Tuning) mostNormLanes() uint32 {
	most := min(1024, t.caps.MaxWorkgroupInvocations, t.caps.MaxWorkgroupSize[0])
	if n := t.Subgroup * t.caps.MaxSubgroups; n != 0 {
		most = min(most, n)
	}
	return most
}

func ruleNormRows(t *Tuning) string {
	switch {
	case t.opt.Separate:
		return asked
	case t.NormLanes > t.Subgroup || t.opt.Norms == AutoNorms && !t.caps.IsCPU():
		return "the GPU would wait for a norm on one subgroup"
	case t.GEMVLanes > 0:
		return "see gemv lanes"
	case !t.Arrivals:
		return "see arrivals"
	case t.Fixed:
		t.NormRows = 1
		return "for which there is a kernel"
	}
	t.NormRows = min(4, t.GEMVRows)
	return "one workgroup norms them as quickly as a dispatch of its own"
}

func rulePassRows(t *Tuning) string {
	if t.PassRows = 512; t.caps.IsCPU() {
		t.PassRows = 128
		return "a CPU is busy with fewer, and is interrupted sooner"
	}
	return "enough to fill a GPU"
}

// mostLanes is what Lanes is at most.
const mostLanes = 256

func ruleLanes(t *Tuning) string {
	if t.Lanes = mostLanes; t.caps.MaxWorkgroupInvocations < mostLanes {
		t.Lanes = 128 // every device has as many
	}
	if t.caps.IsCPU() {
		t.Lanes = 8
		return "what a CPU driver runs side by side"
	}
	return "enough to hide a GPU memory's delays"
}
