package decode

// History records how each position of a sequence was run, so that a later request can tell which of them stand for its own
// prefill.
type History []ran

// Run is how a prefill runs positions.
type Run struct {
	Steps int // core steps behind them
	Noise StateNoise
}

// ran is how one position was run.
type ran struct {
	Run
	other bool // not run as a prefill runs it
	sees  int  // positions from the first on that it attended to
}

// Add records consecutive rows of a task after so many core steps; what was recorded behind the last of them is dropped.
func (h *History) Add(a *Task, rows []TaskRow, taken int) {
	noise, begun := a.Noise, false
	if noise.Weight == 0 {
		noise = StateNoise{}
	}
	for _, r := range rows {
		begun = begun || r.Begin
		now := ran{Run: Run{r.Step + taken, noise}, sees: a.Sees(r.Pos)}
		switch {
		case r.Mix != 0, a.EMA != 0, a.Draw != 0 && noise.Weight != 0:
			now.other = true
		case r.Begin:
			if r.From != FromInitial || r.Step != 0 {
				now.other = true
			}
		// A row that goes on does so from what it was, unless one before it in the pass may have become another token.
		case begun, r.From != FromOwn, (*h)[r.Pos] != ran{Run: Run{r.Step, noise}, sees: now.sees}:
			now.other = true
		}
		if r.Pos == len(*h) {
			*h = append(*h, ran{})
		}
		(*h)[r.Pos] = now
	}
	*h = (*h)[:rows[len(rows)-1].Pos+1]
}

// Steps is how many core steps are behind a position.
func (h History) Steps(pos int) int { return h[pos].Run.Steps }

// Forget marks all positions as started otherwise than a prefill would start them now.
func (h History) Forget() {
	for i := range h {
		h[i].other = true
	}
}

// Stands returns how many of the first n positions are as a prefill of req runs them on a cache with this lookup.
func (h History) Stands(n int, req Request, l Lookup) int {
	if !req.splits(l) {
		return 0
	}
	want := ran{Run: req.Run()}
	for i, r := range h[:n] {
		want.sees = (&Task{Prefix: req.Prefix}).Sees(i)
		if r != want {
			return i
		}
	}
	return n
}

// Run is how the request's prompt is run.
func (r Request) Run() Run {
	run := Run{Steps: r.Steps}
	if r.Strategy.Noise.Weight != 0 {
		run.Noise = r.Strategy.Noise
	}
	return run
}

// Shares tells whether a position of the prompt is run the same in every request whose prompt begins alike and is run alike.
func (r Request) Shares(l Lookup) bool { return r.Prefix == 0 && r.splits(l) }

// Prefilled returns how many of the first n positions are as a prefill runs them that sees what lies before, all of them alike.
func (h History) Prefilled(n int) (run Run, k int) {
	for ; k < n; k++ {
		if k == 0 {
			run = h[0].Run
		}
		if h[k] != (ran{Run: run, sees: k + 1}) {
			break
		}
	}
	return run, k
}

// Prefill records the first n positions as run so.
func (h *History) Prefill(run Run, n int) {
	*h = (*h)[:0]
	for i := range n {
		*h = append(*h, ran{Run: run, sees: i + 1})
	}
}

// splits tells whether a position of the prompt is run the same however the prompt is cut in passes and whatever follows it: at a
// fixed depth, each core step in a slot of its own.
func (r Request) splits(l Lookup) bool {
	exit, wave := r.Strategy.Exit, r.Strategy.Wave
	return (exit == nil || !exit.Prefill) && (wave == nil || wave.FullPrefill) && l.keeps(r.Steps)
}
