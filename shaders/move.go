package shaders

import "muninn/vk"

// Move sends one row of a tensor to a row of another.
type Move struct{ From, To uint32 }

// Put writes the move's MoveBytes bytes.
func (m Move) Put(b []byte) { put(b, m.From, m.To) }

// MoveBytes is the size of a Move on the device.
const MoveBytes = 8

// MoveRows records y[to] = x[from] for each move. moves (m) Move, their To distinct; x, y (.., d).
func (r *Recorder) MoveRows(y, x Tensor, moves vk.Span) {
	r.check(x.Cols == y.Cols, "move of rows of %d into rows of %d", x.Cols, y.Cols)
	m := moves.Size() / MoveBytes
	r.dispatch("move", struct{ Stride uint32 }{uint32(x.Stride / 4)}, rowsY(groups(x.Stride/4, 64), int(m), 1),
		vk.Cost{Bytes: 8 * m * uint64(x.Cols)}, x.Span, moves, y.Span)
}
