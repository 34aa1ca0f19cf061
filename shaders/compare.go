package shaders

import "muninn/vk"

// Pair is a row's state to compare with what another's was.
type Pair struct {
	Cell  uint32 // of the row
	From  uint32 // cell of what its state is compared with
	Kept  uint32 // where its last difference is kept
	Fresh bool   // nothing is kept there: zero
}

// Distance is how far a state s has come by d, and what that changed since the last difference, d': sums over the elements.
type Distance struct {
	Now    float32 // s^2
	First  float32 // d^2
	Second float32 // (d - d')^2
}

// The sizes of a Pair and a Distance on the device.
const (
	PairBytes     = 16
	DistanceBytes = 12
)

// Put writes the pair as the device reads it.
func (p Pair) Put(b []byte) { put(b, p.Cell, p.From, p.Kept, flag(p.Fresh)) }

// DecodeDistance reads a Distance from DistanceBytes bytes.
func DecodeDistance(b []byte) Distance { return Distance{float(b, 0), float(b, 1), float(b, 2)} }

// Compare records d = state[pair.Cell] - older[pair.From] for each pair, and how large d is, and d less the last difference
// kept for it, which it replaces. state (cells, d), older (.., d), kept (.., d); pairs (n) Pair; distances (n) Distance.
func (r *Recorder) Compare(distances vk.Span, state, older, kept Tensor, pairs vk.Span) {
	m := pairs.Size() / PairBytes
	r.check(kept.Cols == state.Cols && older.Cols == state.Cols && distances.Size() == m*DistanceBytes,
		"compare of rows of %d, %d and %d into %d bytes", state.Cols, older.Cols, kept.Cols, distances.Size())
	n := m * uint64(state.Cols)
	r.norm("compare", state.Cols, nil, struct{ D, Stride uint32 }{uint32(state.Cols), uint32(state.Stride)}, rowsX(int(m)),
		vk.Cost{Bytes: 16 * n, FLOPs: 9 * n}, state.Span, older.Span, kept.Span, pairs, distances)
}
