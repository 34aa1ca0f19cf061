package decode

// scoresOnly tells whether the prompt is scored and nothing generated.
func (s *decoding) scoresOnly() bool { return s.Score && s.MaxTokens == 0 }

// Reusable is how many of the prompt's first tokens need not run if the sequence holds them: all but those whose logits are wanted.
func (r Request) Reusable() int {
	n := len(r.Prompt) - 1
	if r.Score {
		n = min(n, max(r.ScoreFrom-1, 0))
	}
	return n
}

// checkScore says why the prompt cannot be scored, if so.
func (s *decoding) checkScore() error {
	switch {
	case !s.Score:
		return nil
	case s.ScoreFrom < 0 || s.ScoreFrom > len(s.Prompt):
		return strategyError("scores from token %d of the prompt's %d on", s.ScoreFrom, len(s.Prompt))
	case s.Held > s.Reusable():
		return strategyError("%d of the prompt's tokens are held, those from %d on are to be scored: they run", s.Held, max(s.ScoreFrom, 1))
	case s.Strategy.Wave != nil && !s.Strategy.Wave.FullPrefill:
		return strategyError("the prompt of a wave without a pass of its own has no log probabilities: its tokens are settled together; set FullPrefill, or decode plainly")
	case s.Prefix > max(s.ScoreFrom, 1):
		return strategyError("log probabilities of tokens in a prefix of %d, which see each other: score those behind it, or give no prefix", s.Prefix)
	}
	s.out.Prompt = make([]Scored, len(s.Prompt))
	return nil
}

// score asks for the log probabilities of what follows the rows of a task, as far as the request does.
func (s *decoding) score(a *Task) {
	if !s.Score {
		return
	}
	a.Score, a.Outputs = true, 0
	for _, r := range a.Rows {
		switch next := r.Pos - s.base + 1; {
		case next == len(s.Prompt): // none follows: a token is picked
			a.Given, a.Outputs = append(a.Given, 0), a.Outputs+1
		case next >= s.ScoreFrom:
			a.Given, a.Outputs = append(a.Given, s.Prompt[next]), a.Outputs+1
		}
	}
}

// scored takes what came of that.
func (s *decoding) scored(a *Task) {
	if !s.Score {
		return
	}
	for i, c := range a.Choices {
		if next := c.Pos - s.base + 1; next < len(s.Prompt) {
			s.out.Prompt[next] = Scored{a.LogProbs[i], c.Top}
		}
	}
}
