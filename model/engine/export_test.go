package engine

// LiveRows is how many cells of live rows are taken.
func (s *Session) LiveRows() int { return s.opt.cells() - len(s.timelines.free) }

// Break has the loop come upon a bug when it begins the next request.
func (l *Loop) Break() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batch.free = []int{1 << 20}
}
