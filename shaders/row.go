package shaders

import (
	"math"

	"muninn/shaders/plain"
	"muninn/vk"
)

// Row is one entry of the row table, 64 bytes as in lib/row.glsl. Everything a pass computes is a row: a position of
// a sequence with some number of core steps behind it. Its state and embeds stay in its cell while it is live; all
// other activations of a pass go by the row's place in the table.
type Row struct {
	Token    uint32  // vocabulary id
	Seq      uint32  // whose Pages of the cache the row has
	Pos      uint32  // position in the sequence
	Step     uint32  // core steps done
	KeyLo    uint32  // key of the initial state's generator
	KeyHi    uint32  //
	Scale    float32 // standard deviation of the initial state
	Start    Start   // where the initial state comes from
	Cell     uint32  // row of the state and embeds tensors
	Group    uint32  // entry of the group table: rows that leave the core together
	EMA      float32 // how much of its old embeds a row begun again keeps; negative: it has none, they count as zero
	Mix      float32 // share of a fresh state mixed into the initial one
	Noise    float32 // weight of the noise mixed into the state before a core step
	Draw     uint32  // which draw of noise, and its plain.NoiseType: NoiseDraw
	Sees     uint32  // positions of its sequence, from 0 on, that the row attends to; Pos+1 unless it looks ahead
	LastOnly bool    // all its steps share slot 0, as if it had taken one; of other positions it sees that slot
}

// Put writes the row as the device reads it.
func (r Row) Put(b []byte) {
	put(b, r.Token, r.Seq, r.Pos, r.Step, r.KeyLo, r.KeyHi, math.Float32bits(r.Scale), uint32(r.Start), r.Cell, r.Group,
		math.Float32bits(r.EMA), math.Float32bits(r.Mix), math.Float32bits(r.Noise), r.Draw, r.Sees, flag(r.LastOnly))
}

// NoiseDraw is a row's Draw.
func NoiseDraw(draw int, t plain.NoiseType) uint32 { return uint32(draw)<<3 | uint32(t) }

// Start is where a row's initial state comes from.
type Start uint32

// StartDrawn takes it from the generator, StartGiven from the caller's states at the row's own index. StartOwn leaves the
// state in the row's cell as it is.
const (
	StartDrawn Start = iota
	StartGiven
	StartOwn
	startFrom
)

// StartCarried takes it from carried state i.
func StartCarried(i int) Start { return startFrom + 2*Start(i) }

// StartCell takes it from the state in cell i. A row of the same table may own that if its Start is StartOwn; if anything is
// mixed into it, InitState has to take cells first.
func StartCell(i int) Start { return startFrom + 2*Start(i) + 1 }

// FromCell tells whether it is a StartCell.
func (s Start) FromCell() bool { return s >= startFrom && (s-startFrom)%2 == 1 }

// RowBytes is the size of a Row on the device.
const RowBytes = 64

// Rows is a row table of n entries.
type Rows struct {
	Span vk.Span
	N    int
}
