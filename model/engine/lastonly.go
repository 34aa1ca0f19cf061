package engine

import "context"

// keepLast brings the positions before the rows of jobs that see last steps alone to that form: the slot of their last step becomes
// slot 0, and they count as having taken one.
func (s *scheduler) keepLast(ctx context.Context, jobs []*job) error {
	rec := s.m.kernels.Record("last steps")
	moves := 0
	for _, j := range jobs {
		q, first := &s.seqs[j.task.Seq], j.rows[0].Pos
		if !s.opt.Lookup.LastOnly(j.task) || q.lastOnly >= first {
			continue
		}
		for pos, n := q.lastOnly, 0; pos < first; pos, n = pos+n, 0 {
			steps := q.history.Steps(pos)
			for n = 1; pos+n < first && q.history.Steps(pos+n) == steps; n++ {
			}
			cell := j.task.Seq*s.opt.Context + pos
			for i := range s.core {
				if last := s.opt.Lookup.Slot(steps - 1); steps > 0 && last > 0 {
					rec.MoveSlot(s.core[i], last, cell, n)
					moves++
				}
			}
			if err := s.m.dev.Fill(s.core[0].Depth.Slice(uint64(cell)*4, uint64(n)*4), min(uint32(steps), 1)); err != nil {
				return err
			}
		}
		q.lastOnly = first
	}
	if moves == 0 {
		return nil
	}
	prog, err := rec.End()
	if err != nil {
		return err
	}
	defer prog.Free()
	return s.run(ctx, nil, prog)
}
