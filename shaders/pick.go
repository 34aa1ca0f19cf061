package shaders

import "muninn/vk"

// PickScratch is what Argmax, Sample and TopK need beside their operands: what workgroups leave to others. Arrived and Bins are zero
// between uses. Nothing else may use it at the same time.
type PickScratch struct {
	Arrived vk.Span // (n) chunks of a row that are done
	Parts   vk.Span // (n, chunks) what was found in each
	Bins    vk.Span // (n) Sample: weights by their bits
	Cuts    vk.Span // (n) Sample: what is kept
}

// pickPart is the bytes of what a kernel leaves of a chunk, at most.
const pickPart = 164

// pickBytes are the sizes of the spans of a PickScratch for so many rows of a vocabulary, whatever the lanes.
func pickBytes(rows, vocabulary int) (list [4]uint64) {
	chunks := min(mostLanes, max(8, (vocabulary+2047)/2048))
	for i, one := range []uint64{4, uint64(chunks) * pickPart, sampleLevels * 2 * sampleBins * 4, sampleLevels * 32} {
		list[i] = uint64(rows) * one
	}
	return list
}

// NewPickScratch takes a scratch for so many rows of a vocabulary by a function that takes zeroed memory.
func NewPickScratch(rows, vocabulary int, zeroed func(bytes uint64) vk.Span) PickScratch {
	b := pickBytes(rows, vocabulary)
	return PickScratch{zeroed(b[0]), zeroed(b[1]), zeroed(b[2]), zeroed(b[3])}
}

// room checks that a scratch is large enough.
func (r *Recorder) room(s PickScratch, logits Tensor) {
	want := pickBytes(logits.Rows, logits.Cols)
	for i, have := range []vk.Span{s.Arrived, s.Parts, s.Bins, s.Cuts} {
		r.check(have.Size() >= want[i], "picking from %dx%d with a scratch of %d bytes where %d are needed", logits.Rows, logits.Cols, have.Size(), want[i])
	}
}

// chunk is how many tokens of a vocabulary a workgroup takes: as many for each of its lanes, and no more chunks than lanes.
func (k *Kernels) chunk(vocabulary int) int {
	return k.Lanes * max(16, (vocabulary+k.Lanes*k.Lanes-1)/(k.Lanes*k.Lanes))
}

// chunkOrAll is the whole vocabulary where a workgroup cannot go on with what others found.
func (k *Kernels) chunkOrAll(vocabulary int) int {
	if !k.Arrivals {
		return vocabulary
	}
	return k.chunk(vocabulary)
}

// pick dispatches a kernel whose workgroups take a chunk of a row each, and the last of a row what all of them found.
func (r *Recorder) pick(name string, lanes, chunk int, logits Tensor, cost vk.Cost, scratch PickScratch, bind ...vk.Span) {
	r.room(scratch, logits)
	bind = append(append([]vk.Span{logits.Span}, bind...), scratch.Arrived, scratch.Parts)
	r.dispatchSpec(name, []uint32{uint32(lanes), whole(logits)}, struct{ Vocab, Stride, Chunk uint32 }{uint32(logits.Cols), uint32(logits.Stride), uint32(chunk)},
		rowsY(groups(logits.Cols, chunk), logits.Rows, 1), cost, bind...)
}

// whole tells kernels whether rows of logits begin at a multiple of 16 bytes.
func whole(logits Tensor) uint32 {
	if logits.Stride%4 != 0 {
		return 0
	}
	return 1
}
