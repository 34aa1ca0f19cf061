package engine

import (
	"context"
	"slices"

	"muninn/model/decode"
	"muninn/model/engine/pager"
	"muninn/model/engine/weights"
	"muninn/shaders"
)

// units are the pages of both pools; 0: each sequence has its own.
func (o SessionOptions) units() (own, core int) {
	if o.Positions == 0 {
		return 0, 0
	}
	own, slots := shaders.PagesOf(o.Positions), coreSlots(o).Count()
	if o.Lookup.DecodeLast && o.Unread > 0 {
		return own, own + shaders.PagesOf(min(o.Unread, o.Positions))*(slots-1)
	}
	return own, own * slots
}

// grantPages gives a sequence the pages that a task's rows are written to, in as many slots as they may take steps; false when there
// are none left.
func (s *scheduler) grantPages(a *decode.Task, rows []decode.TaskRow) bool {
	if s.pager == nil {
		return true
	}
	slots := 1
	if !s.opt.Lookup.LastOnly(a) {
		for _, r := range rows {
			slots = max(slots, s.opt.Lookup.Stored(r.Step+a.Steps))
		}
	}
	copies, err := s.pager.Write(a.Seq, rows[0].Pos, rows[len(rows)-1].Pos+1, slots)
	s.copies = append(s.copies, copies...)
	if err != nil {
		s.short = err
	}
	return err == nil
}

// copyPages copies the pages that are about to be written to and that others have too, and brings the table to the device.
func (s *scheduler) copyPages(ctx context.Context) error {
	if s.pager == nil {
		return nil
	}
	if s.pager.Changed {
		if err := weights.WriteTable(s.m.dev, s.pager.Pages); err != nil {
			return err
		}
		s.pager.Changed = false
	}
	if len(s.copies) == 0 {
		return nil
	}
	rec := s.m.kernels.Record("copies of pages")
	for _, c := range s.copies {
		if !c.Core {
			rec.CopyDepths(s.pager.Pages, c.Dst, c.Src)
		}
		for _, cache := range s.layersOf(c.Core) {
			rec.CopyPage(cache, c.Dst, c.Src)
		}
	}
	s.copies = nil
	prog, err := rec.End()
	if err != nil {
		return err
	}
	defer prog.Free()
	return s.run(ctx, nil, prog)
}

// layersOf are the caches of a pool: of the core's, or of those with a slot a position. Blocks that share slots have one.
func (s *scheduler) layersOf(core bool) []shaders.Cache {
	if !core {
		return slices.Concat(s.prelude, s.coda)
	}
	var all []shaders.Cache
	for i := 0; i < len(s.core); i += s.opt.Lookup.Blocks {
		all = append(all, s.core[i])
	}
	return all
}

// givePagesBack frees the slots of a chunk's pages that none of their positions has come to.
func (s *scheduler) givePagesBack(j *job) {
	if s.pager == nil {
		return
	}
	q := &s.seqs[j.task.Seq]
	if j.task.Prompt && j.next+len(j.rows) == len(j.task.Rows) { // whole pages, which nobody writes to any more
		defer s.offerPages(j.task.Seq, shaders.PagePositions)
	}
	for page := j.rows[0].Pos / shaders.PagePositions; page*shaders.PagePositions < len(q.tokens); page++ {
		deepest := 1
		for pos := page * shaders.PagePositions; pos < min((page+1)*shaders.PagePositions, len(q.tokens)); pos++ {
			if pos >= q.lastOnly {
				deepest = max(deepest, s.opt.Lookup.Stored(q.history.Steps(pos)))
			}
		}
		s.pager.LeaveSlots(j.task.Seq, page, deepest)
	}
}

// dropPages frees the pages of a sequence behind its first n positions.
func (s *scheduler) dropPages(seq, n int) {
	if s.pager != nil {
		s.pager.Drop(seq, n)
	}
}

// pagesFor tells whether pages are left for a request's prompt and a token, and for one more of each of so many other sequences.
func (s *scheduler) pagesFor(req decode.Request, setting decode.Sequence, others int) bool {
	if s.pager == nil {
		return true
	}
	pages := shaders.PagesOf(len(req.Prompt)+1) + others
	if as, ok := s.keptAs(setting, req.Run()); ok && len(req.Prompt) > 0 && req.Shares(s.opt.Lookup) {
		path, _ := s.pager.Match(as, req.Prompt[:req.Reusable()])
		pages -= s.pager.InUse(path)
	}
	return pages <= s.pager.Room(false) && pages*s.opt.Lookup.Stored(req.Steps) <= s.pager.Room(true)
}

// keptAs is how the positions of a sequence were run; false: so that no other text shares them.
func (s *scheduler) keptAs(setting decode.Sequence, run decode.Run) (as pager.KeptAs, ok bool) {
	as = pager.KeptAs{Run: run}
	if s.m.Config.StartsDrawn() || run.Noise.Weight != 0 {
		as.Seed, as.Stream, as.InitScale = setting.Seed, setting.Stream, setting.InitScale
	}
	return as, setting.States == nil && !s.opt.Lookup.DecodeLast
}

// keepPages leaves a sequence's text to others that begin alike, as far as it was read and decoded as a prefill reads it, and the
// sequence without any.
func (s *Session) keepPages(seq int) {
	if s.pager == nil {
		return
	}
	s.offerPages(seq, 1)
	_ = s.Rewind(seq, 0) // which it can
}

// offerPages lets others share what a sequence holds, as far as it was run as a prefill runs it: a multiple of so many positions.
func (s *scheduler) offerPages(seq, of int) {
	q := &s.seqs[seq]
	run, n := q.history.Prefilled(len(q.tokens))
	if as, ok := s.keptAs(q.setting, run); ok && n >= of {
		s.pager.Keep(seq, as, q.tokens[:n/of*of])
	}
}

// sharePages gives a sequence that holds so many of a prompt's first tokens the pages of a kept text that begins with more of them, and returns how many it
// holds then.
func (s *Session) sharePages(seq int, req decode.Request, held int) int {
	q := &s.seqs[seq]
	if s.pager == nil || !req.Shares(s.opt.Lookup) {
		return held
	}
	as, ok := s.keptAs(q.setting, req.Run())
	prompt := req.Prompt[:req.Reusable()]
	path, n := s.pager.Match(as, prompt)
	if !ok || n <= held {
		return held
	}
	s.pager.Drop(seq, 0)
	s.pager.Share(seq, path)
	held = n
	q.tokens = append(q.tokens[:0], prompt[:held]...)
	q.history.Prefill(req.Run(), held)
	return held
}

// KVBytes is how much of the cache of keys and values is in use, texts that are only kept included, and how much there is.
func (s *Session) KVBytes() (used, all uint64) {
	for _, core := range []bool{false, true} {
		var page uint64
		for _, c := range s.layersOf(core) {
			page += c.PageBytes()
		}
		units, free := s.pages.Units, 0
		if core {
			units = s.pages.CoreUnits
		}
		if s.pager != nil {
			free = s.pager.Free(core)
		}
		used, all = used+uint64(units-free)*page, all+uint64(units)*page
	}
	return used, all
}
