package engine

import (
	"context"

	"muninn/shaders"
)

// keepLast brings the positions before the rows of jobs that see last steps alone to that form: the slot of their last step becomes
// slot 0, and they count as having taken one.
func (s *scheduler) keepLast(ctx context.Context, jobs []*job) error {
	type move struct{ seq, slot, pos, n int }
	var moves []move
	for _, j := range jobs {
		q, first := &s.seqs[j.task.Seq], j.rows[0].Pos
		if !s.opt.Lookup.LastOnly(j.task) || q.lastOnly >= first {
			continue
		}
		for pos, n := q.lastOnly, 0; pos < first; pos, n = pos+n, 0 {
			steps := q.history.Steps(pos)
			for n = 1; pos+n < first && q.history.Steps(pos+n) == steps; n++ {
			}
			if last := s.opt.Lookup.Slot(steps - 1); steps > 0 && last > 0 {
				moves = append(moves, move{j.task.Seq, last, pos, n})
			}
			for done := 0; done < n; {
				depth := s.pages.Depth(j.task.Seq, pos+done, n-done)
				if err := s.m.dev.Fill(depth, min(uint32(steps), 1)); err != nil {
					return err
				}
				done += int(depth.Size() / 4)
			}
		}
		q.lastOnly = first
	}
	if moves == nil {
		return nil
	}
	rec := s.m.kernels.Record("last steps")
	for _, m := range moves {
		for i := range s.core {
			rec.MoveSlot(s.core[i], m.seq, m.slot, m.pos, m.n)
		}
	}
	prog, err := rec.End()
	if err != nil {
		return err
	}
	defer prog.Free()
	if err = s.run(ctx, nil, prog); err == nil && s.pager != nil {
		for _, m := range moves { // nobody reads the other slots any more
			for page := m.pos / shaders.PagePositions; page*shaders.PagePositions < m.pos+m.n; page++ {
				s.pager.LeaveSlots(m.seq, page, 1)
			}
		}
	}
	return err
}
