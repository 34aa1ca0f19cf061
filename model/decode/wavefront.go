package decode

// wavefront is a wave at work. Positions count from the prompt's first.
type wavefront struct {
	*decoding
	Wave
	n      *WaveCounts
	extras func() int32
	tokens []int32 // frozen ones, then guesses
	ran    []int32 // by position, as which token it ran last
	frozen int     // how many of tokens are frozen
	first  int     // position of the first live row
	rows   int     // rows of the next task: the positions first ... first+rows-1
	fresh  int     // how many of these, at the end, have not run yet
	grown  int     // rows of the last task, after which the fresh ones were appended
	shift  int     // positions that the tail advanced by in the last outer step
	most   int     // of frozen so far
	idle   int     // outer steps since that grew
}

func (s *decoding) wave(w Wave) error {
	f := &wavefront{decoding: s, Wave: w, n: &WaveCounts{}, extras: s.extra(w)}
	s.out.Wave = f.n
	done, err := f.start()
	for step := 0; err == nil && !done; step++ {
		done, err = f.step(step)
	}
	f.n.RecurrencePerPosition, f.n.TokenStablePerPosition = f.n.recurrence[:f.frozen], f.n.tokenStable[:f.frozen]
	f.n.GenSeqLength = len(f.tokens)
	for i, token := range f.ran {
		if i < len(f.tokens) && token != f.tokens[i] && s.stale == 0 {
			s.stale = s.base + i
		}
	}
	return err
}

// start runs the prompt, of whose last token a first guess comes and is frozen; or lets the prompt fly.
func (f *wavefront) start() (done bool, err error) {
	f.tokens = append(f.tokens, f.Prompt...)
	f.frozen, f.most = len(f.tokens), len(f.tokens)
	f.n.grow(f.frozen + 1)
	if !f.FullPrefill {
		f.rows, f.fresh = len(f.tokens), len(f.tokens)
		if limit := f.limit(); f.rows > limit {
			return true, strategyError("a prompt of %d tokens without a pass of its own does not fit the wave's %d positions", f.rows, limit)
		}
		return false, nil
	}
	next, err := f.prompt()
	if err != nil {
		return true, err
	}
	f.ran = append(f.ran, f.tokens...)
	f.n.NumCoreForwardPasses, f.n.NumTokensForward = 1, len(f.tokens)
	f.first, f.rows, f.fresh, f.shift = f.frozen, 1, 1, 1
	f.tokens = append(f.tokens, next.Token)
	f.frozen, f.most = len(f.tokens), len(f.tokens)
	for i := range f.frozen {
		f.n.recurrence[i] += f.Steps
	}
	return f.put(next)
}

// limit is how many rows may be live from the first on.
func (f *wavefront) limit() int {
	limit := min(f.e.Context()-f.base-f.first, f.e.Rows())
	if f.MaxWavefront > 0 {
		limit = min(limit, f.MaxWavefront)
	}
	return limit
}

// step is one outer step.
func (f *wavefront) step(step int) (done bool, err error) {
	f.n.StartAndWidth = append(f.n.StartAndWidth, [2]int{f.first, f.rows})
	f.n.DiffusionSteps++
	a := f.task(step)
	if err := f.do(a); err != nil {
		return true, err
	}
	f.n.NumCoreForwardPasses += f.InnerRecurrence
	f.n.NumTokensForward += f.InnerRecurrence * f.rows
	for i := range f.rows {
		f.n.recurrence[f.first+i] += f.InnerRecurrence
	}
	f.ran = append(f.ran[:f.first], f.tokens[f.first:f.first+f.rows]...)

	guesses := a.Choices // of the positions from f.frozen on
	headway := f.append(guesses)
	keep, from := f.freeze(step, a.Changes)
	if f.idle++; keep <= f.most && f.idle >= f.patience(f.Steps) {
		keep, from = f.force(guesses[0].Token)
	}
	if !f.PromptMayChange {
		keep = max(keep, len(f.Prompt))
	}
	if keep > f.most {
		f.most, f.idle = keep, 0
	}
	last := f.frozen
	f.advance(keep, from, headway)
	for i := last; i < f.frozen; i++ {
		c := guesses[i-last]
		if i < len(f.Prompt) {
			continue
		}
		c.Steps = f.n.recurrence[i-1]
		if done, err = f.put(c); err != nil {
			return true, err
		}
	}
	return done, nil
}

// task is the outer step's: all rows are embedded again, since the tokens before them may have changed, and write the cache slots
// from the first on, as in the reference.
func (f *wavefront) task(step int) *Task {
	a := &Task{Top: f.Top, Steps: f.InnerRecurrence, EMA: f.EMA, Draw: step, Compare: f.Freeze.Compare(), Shift: f.shift,
		Outputs: f.rows - (f.frozen - 1 - f.first)}
	if step == 0 {
		a.EMA = 0 // the reference takes the first embeds for old ones
	}
	for i := range f.rows {
		pos := f.first + i
		row := TaskRow{Pos: f.base + pos, Token: f.tokens[pos], Begin: true, From: FromOwn}
		if i >= f.rows-f.fresh {
			row.From = FromInitial
			if f.Strategy.ContinuousCompute && f.grown >= f.Headway {
				row.From, row.Back = FromPrevious, f.Headway
			}
		}
		if f.StateNoiseMixing > 0 {
			row.Mix = f.StateNoiseMixing / float64(1+f.n.recurrence[pos])
		}
		a.Rows = append(a.Rows, row)
	}
	return a
}

// append puts the guesses behind the frozen tokens, then the random tokens of further headway, and gives how many positions
// join the wave.
func (f *wavefront) append(guesses []Choice) (headway int) {
	held := f.tokens
	f.tokens = append([]int32(nil), held[:f.frozen]...)
	for _, c := range guesses {
		f.tokens = append(f.tokens, c.Token)
	}
	for i, token := range held {
		if token == f.tokens[i] {
			f.n.tokenStable[i]++
		}
	}
	for range f.Headway - 1 {
		f.tokens = append(f.tokens, f.extras())
	}
	headway = f.Headway
	if limit := f.limit(); f.rows+headway > limit {
		headway = limit - f.rows
		f.tokens = f.tokens[:f.first+limit]
		f.n.NumStandingWaves++
	}
	f.n.grow(len(f.tokens) + 1)
	return headway
}

// freeze applies the rule: how many tokens are frozen from now on, and the first position that stays live.
func (f *wavefront) freeze(step int, changes []float32) (keep, from int) {
	iterations := f.Steps / f.InnerRecurrence
	keep = 0
	switch f.Freeze {
	case FreezeStability:
		for pos := f.first; pos < f.first+f.rows; pos++ {
			if f.n.tokenStable[pos] > iterations {
				keep = pos + 1
			}
		}
	case FreezeFixed:
		if step > iterations {
			n := min(f.Headway, f.first+f.rows+1-f.frozen, len(f.tokens)-f.frozen) // guesses, less what the wave was cut by
			return f.frozen + n, f.first + n
		}
	default:
		for i, change := range changes {
			if float64(change) < f.ExitThreshold {
				keep = f.first + i + 1
			}
		}
	}
	if keep == 0 {
		return f.frozen, f.first
	}
	return keep, keep - 1
}

// force freezes the first guess, settled or not.
func (f *wavefront) force(guess int32) (keep, from int) {
	f.n.ForcedFreezes++
	if f.frozen == len(f.tokens) { // the wave was cut before it
		f.tokens = append(f.tokens, guess)
	}
	return f.frozen + 1, f.frozen
}

// advance freezes tokens up to keep and lets the rows before from go.
func (f *wavefront) advance(keep, from, headway int) {
	ran := f.first + f.rows
	f.n.NumCacheClears += max(ran-from, 0)
	f.shift, f.grown = from-f.first, f.rows
	f.rows += headway - f.shift
	if f.rows < 1 {
		f.rows, f.grown = 1, 0 // the forced token's, from its own initial state
	}
	f.fresh = from + f.rows - ran
	f.first, f.frozen = from, keep
}
