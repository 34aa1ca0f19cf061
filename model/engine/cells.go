package engine

import (
	"slices"

	"muninn/model/decode"
)

// flight is a row in flight: its state and embeds are in its slot.
type liveRow struct{ pos, cell int }

// flight is the index of the row in flight at a position, or -1.
func (q *sequence) liveAt(pos int) int {
	return slices.IndexFunc(q.live, func(f liveRow) bool { return f.pos == pos })
}

// makeRoom takes the rows out of flight that an ask for these rows leaves out, but for those that others start from. If slots do
// not suffice then, it changes nothing and says false.
func (s *Session) makeRoom(q *sequence, rows []decode.TaskRow, keep bool) bool {
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
	if need > len(s.free) {
		return false
	}
	s.release(q, gone)
	return true
}

// occupy gives the slot of the row at a position: the one it has, or a free one if it was not in flight.
func (s *Session) cellFor(q *sequence, pos int) (slot int, fresh bool) {
	if i := q.liveAt(pos); i >= 0 {
		return q.live[i].cell, false
	}
	slot = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	q.live = append(q.live, liveRow{pos, slot})
	return slot, true
}

// drop takes the rows of sequence seq from position pos on out of flight.
func (s *Session) drop(seq, pos int) {
	s.release(&s.seqs[seq], func(f liveRow) bool { return f.pos >= pos })
}

// land takes rows of a sequence out of flight.
func (s *Session) release(q *sequence, gone func(liveRow) bool) {
	q.live = slices.DeleteFunc(q.live, func(f liveRow) bool {
		if !gone(f) {
			return false
		}
		s.free = append(s.free, f.cell)
		return true
	})
}
