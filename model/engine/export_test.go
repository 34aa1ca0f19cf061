package engine

// LiveRows is how many cells of live rows are taken.
func (s *Session) LiveRows() int { return s.opt.cells() - len(s.timelines.free) }
