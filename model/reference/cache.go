package reference

import (
	"muninn/model/decode"
)

// refPlace is a row's position, and how many positions from the first on it sees.
type refPlace struct{ pos, sees int }

// refCache is one block's part of a sequence's cache, at one core step.
type refCache struct {
	store func(pos int, kv refKV)
	load  func(at refPlace) []refKV // what a row attends to
}

// oneSlot is the cache of a block that runs once a pass: each position has its entry.
func oneSlot(q *refSequence, entry func(p *refPosition) *refKV) refCache {
	return refCache{
		store: func(pos int, kv refKV) { *entry(&q.positions[pos]) = kv },
		load: func(at refPlace) []refKV {
			seen := make([]refKV, at.sees)
			for i := range seen {
				seen[i] = *entry(&q.positions[i])
			}
			return seen
		},
	}
}

// coreCache is the cache of a core block at step t of a task: which entry stands for a position is the strategy's choice.
func (q *refSequence) coreCache(block int, a *decode.Task, t int, lookup decode.Lookup) refCache {
	block /= lookup.Blocks // blocks that share their slots have one entry
	slotOf := func(pos int) int {
		if lookup.LastOnly(a) {
			return 0
		}
		return lookup.Slot(a.Rows[pos-a.Rows[0].Pos].Step + t)
	}
	return refCache{
		store: func(pos int, kv refKV) {
			own := slotOf(pos)
			slots := &q.positions[pos].core[block]
			if own == len(*slots) {
				*slots = append(*slots, kv)
			} else {
				(*slots)[own] = kv
			}
		},
		load: func(at refPlace) []refKV {
			own := slotOf(at.pos)
			anyMissing := false
			for i := range at.sees {
				anyMissing = anyMissing || len(q.positions[i].core[block]) <= own
			}
			var seen []refKV
			for i := range at.sees {
				slots := q.positions[i].core[block]
				if slot, ok := lookup.Select(own, len(slots), anyMissing); ok {
					seen = append(seen, slots[slot])
				}
			}
			return seen
		},
	}
}

// flatten keeps of each position before pos the slot of its last step alone.
func (q *refSequence) flatten(pos int) {
	for _, p := range q.positions[:pos] {
		for i, slots := range p.core {
			p.core[i] = slots[max(len(slots)-1, 0):]
		}
	}
}

type refTap func(name string, rows [][]float64)

// tapper hands rows to the session's Tap, row0 being the number of the first.
func (s *Session) tapper(row0 int) refTap {
	return func(name string, rows [][]float64) {
		if s.opt.Tap == nil {
			return
		}
		for i, row := range rows {
			s.opt.Tap(name, row0+i, narrow(row))
		}
	}
}
