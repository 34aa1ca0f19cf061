package model

import "slices"

// flight is a row in flight: its state and embeds are in its slot.
type flight struct{ pos, slot int }

// flight is the index of the row in flight at a position, or -1.
func (q *sequence) flight(pos int) int {
	return slices.IndexFunc(q.flights, func(f flight) bool { return f.pos == pos })
}

// makeRoom takes the rows out of flight that an ask for these rows leaves out, but for those that others start from. If slots do
// not suffice then, it changes nothing and says false.
func (s *Session) makeRoom(q *sequence, rows []AskRow, keep bool) bool {
	first, end := rows[0].Pos, rows[len(rows)-1].Pos+1
	gone := func(f flight) bool {
		if f.pos >= first && f.pos < end || keep && f.pos < first {
			return false
		}
		return !slices.ContainsFunc(rows, func(r AskRow) bool { return r.From >= FromNormed && r.source() == f.pos })
	}
	need := len(rows)
	for _, f := range q.flights {
		if f.pos >= first && f.pos < end || gone(f) {
			need--
		}
	}
	if need > len(s.free) {
		return false
	}
	s.land(q, gone)
	return true
}

// occupy gives the slot of the row at a position: the one it has, or a free one if it was not in flight.
func (s *Session) occupy(q *sequence, pos int) (slot int, fresh bool) {
	if i := q.flight(pos); i >= 0 {
		return q.flights[i].slot, false
	}
	slot = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	q.flights = append(q.flights, flight{pos, slot})
	return slot, true
}

// drop takes the rows of sequence seq from position pos on out of flight.
func (s *Session) drop(seq, pos int) {
	s.land(&s.seqs[seq], func(f flight) bool { return f.pos >= pos })
}

// land takes rows of a sequence out of flight.
func (s *Session) land(q *sequence, gone func(flight) bool) {
	q.flights = slices.DeleteFunc(q.flights, func(f flight) bool {
		if !gone(f) {
			return false
		}
		s.free = append(s.free, f.slot)
		return true
	})
}
