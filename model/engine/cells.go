package engine

import (
	"slices"

	"muninn/model/decode"
)

// timelines are a session's sequences, and the cells of their live rows.
type timelines struct {
	seqs []sequence
	free []int // cells without a live row
}

// sequence is one timeline.
type sequence struct {
	tokens   []int32 // all tokens with a KV entry
	history  decode.History
	setting  decode.Sequence
	live     []liveRow
	lastOnly int  // of its first positions, that keep the slot of their last step alone, as slot 0
	deltas   int  // differences kept of the last task's rows
	compared bool // the last task compared
}

// newTimelines returns sequences without tokens, for so many live rows in all.
func newTimelines(sequences, cells int) *timelines {
	t := &timelines{seqs: make([]sequence, sequences)}
	for i := range t.seqs {
		t.seqs[i].setting = decode.Sequence{Stream: uint64(i), InitScale: 1}
	}
	for i := range cells {
		t.free = append(t.free, cells-1-i)
	}
	return t
}

// liveRow is a row that may go on: its state and embeds are in its cell.
type liveRow struct{ pos, cell int }

// liveAt is the index of the live row at a position, or -1.
func (q *sequence) liveAt(pos int) int {
	return slices.IndexFunc(q.live, func(f liveRow) bool { return f.pos == pos })
}

// makeRoom drops the live rows that a task for these rows leaves out, but for those that others start from. If cells do
// not suffice then, it changes nothing and says false.
func (t *timelines) makeRoom(q *sequence, rows []decode.TaskRow, keep bool) bool {
	first, end := rows[0].Pos, rows[len(rows)-1].Pos+1
	gone := func(f liveRow) bool {
		if f.pos >= first && f.pos < end || keep && f.pos < first {
			return false
		}
		return !slices.ContainsFunc(rows, func(r decode.TaskRow) bool { return r.From >= decode.FromNormed && r.Source() == f.pos })
	}
	need := len(rows)
	for _, f := range q.live {
		if f.pos >= first && f.pos < end || gone(f) {
			need--
		}
	}
	if need > len(t.free) {
		return false
	}
	t.release(q, gone)
	return true
}

// cellFor gives the cell of the row at a position: the one it has, or a free one if it was not live.
func (t *timelines) cellFor(q *sequence, pos int) (cell int, fresh bool) {
	if i := q.liveAt(pos); i >= 0 {
		return q.live[i].cell, false
	}
	cell = t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	q.live = append(q.live, liveRow{pos, cell})
	return cell, true
}

// drop ends the live rows of sequence seq from position pos on.
func (t *timelines) drop(seq, pos int) {
	t.release(&t.seqs[seq], func(f liveRow) bool { return f.pos >= pos })
}

// release ends live rows of a sequence.
func (t *timelines) release(q *sequence, gone func(liveRow) bool) {
	q.live = slices.DeleteFunc(q.live, func(f liveRow) bool {
		if !gone(f) {
			return false
		}
		t.free = append(t.free, f.cell)
		return true
	})
}
